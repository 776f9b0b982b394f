"""A study's table for other programs: CSV with every seed, Markdown, and LaTeX with booktabs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence

from toonlab.studies.results.results import CellResult, short_names
from toonlab.studies.results.tables import notes

from .findings import Findings
from .format import several
from .table import Line, lines

Cells = list[tuple[str, bool]]  # text, and whether it is the best of its column

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": r"\ensuremath{-}",
    "+": r"\ensuremath{+}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "↑": r"\ensuremath{\uparrow}",
    "↓": r"\ensuremath{\downarrow}",
    "–": "--",
    "…": r"\ldots{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def as_csv(found: Findings) -> str:
    """A line for each cell, values exactly as they were measured: what a program wants to compute with.

    Columns: recipe, one for each factor, seed, status, every metric and cost, seconds.
    """
    file = io.StringIO()
    rows = records(found)
    head = list(rows[0]) if rows else ["recipe", "seed", "status", *found.columns]
    writer = csv.DictWriter(file, head, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if v is None else repr(v) if isinstance(v, float) else v for name, v in row.items()})
    return file.getvalue()


def records(found: Findings, also: Sequence[str] = ()) -> list[dict[str, object]]:
    """A record for each cell: recipe, levels, seed, status, what was asked for, and `also`; None for what it lacks."""
    paths = list(dict.fromkeys(path for variant in found.variants for path in variant.levels))
    factors = short_names(paths)
    columns = dict.fromkeys([*found.columns, *also])
    return [
        {
            "recipe": cell.variant.recipe,
            **{factors[path]: _level(cell, path) for path in paths},
            "seed": cell.seed,
            "status": cell.status,
            **{name: cell.values.get(name) for name in columns},
        }
        for cell in found.results.cells
    ]


def _level(cell: CellResult, path: str) -> object:
    level = cell.variant.levels.get(path, "")
    return "off" if level is None else level


def as_markdown(found: Findings) -> str:
    """Means and standard deviations, the best in bold, and the differences to the baseline with their verdicts."""
    head, rows = matrix(found)
    text = [[f"**{cell}**" if best else cell for cell, best in row] for row in rows]
    table = [head, ["---", "---:", *["---:"] * (len(head) - 2)], *text]
    body = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in table]
    below = [note.replace("*", r"\*", 1) if note.startswith("*") else note for note in notes_of(found)]
    return "\n".join([*body, *(f"\n{note}" for note in below)]) + "\n"


def _plain(cell: str) -> str:
    return cell.replace("|", r"\|").replace("_", r"\_")


def as_latex(found: Findings) -> str:
    """The same as a `table`; it takes `\\usepackage{booktabs}` and nothing else."""
    head, rows = matrix(found)
    text = [[_bold(latex(cell)) if best else latex(cell) for cell, best in row] for row in rows]
    join: Callable[[Sequence[str]], str] = lambda cells: "  " + " & ".join(cells) + r" \\"
    title = found.results.about or found.results.name
    caption = [f"{title.rstrip('.')}.", f"Mean ± standard deviation over {several(len(found.seeds), 'seed')}."]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{latex(' '.join([*caption, *(f'{note}.' for note in notes_of(found))]))}}}",
            f"  \\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', found.results.name)}}}",
            f"  \\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"  \toprule",
            join([latex(cell) for cell in head]),
            r"  \midrule",
            *(join(row) for row in text),
            r"  \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def latex(text: str) -> str:
    """Text as LaTeX writes it: `outline_f1` -> `outline\\_f1`; every character that means something else is escaped."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _bold(text: str) -> str:
    return f"\\textbf{{{text}}}"


def notes_of(found: Findings) -> list[str]:
    """How the metrics measured, and what speaks against those with a star."""
    return notes(found.columns, found.results.caveats, found.results.measured)


def heading(found: Findings, column: str) -> str:
    """`outline_f1 ↑`, `psnr* ↑`: the arrow points to what is better; a star, to a note."""
    star = "*" if column in found.results.caveats else ""
    return f"{column}{star} {'↑' if found.higher(column) else '↓'}"


def matrix(found: Findings) -> tuple[list[str], list[Cells]]:
    """The table as text: its head, and its rows with what is the best of a column."""
    head = ["method", "seeds", *(heading(found, column) for column in found.columns)]
    compared = bool(found.differences.get(found.primary))
    if compared:
        head.insert(3, f"difference to {found.results.baseline}")
    return head, [_row(line, compared) for line in lines(found)]


def _row(line: Line, compared: bool) -> Cells:
    name = f"{line.label} ({line.note})" if line.note else line.label
    row: Cells = [(name, False), (str(line.count or "–"), False)]
    row += [(entry.text, entry.best) for entry in line.entries]
    if compared:
        row.insert(3, (_difference(line), False))
    return row


def _difference(line: Line) -> str:
    """`+0.042 (+0.021 to +0.063), better`."""
    between = f" ({line.interval})" if line.interval else ""
    given = f"{line.difference.text}{between}" if line.difference else ""
    return ", ".join(text for text in (given, line.verdict) if text) or "–"
