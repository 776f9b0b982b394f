"""A study's table for other programs: CSV with every seed, Markdown, and LaTeX with booktabs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence

from toonlab.studies.results import Cell, short_names
from toonlab.studies.tables import notes

from .findings import Findings
from .numbers import several
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
    paths = list(dict.fromkeys(path for variant in found.variants for path in variant.levels))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["recipe", *short_names(paths).values(), "seed", "status", *found.columns])
    for cell in found.results.cells:
        values = [repr(cell.values[name]) if name in cell.values else "" for name in found.columns]
        writer.writerow([cell.variant.recipe, *(_level(cell, p) for p in paths), cell.seed, cell.status, *values])
    return file.getvalue()


def _level(cell: Cell, path: str) -> object:
    level = cell.variant.levels.get(path, "")
    return "off" if level is None else level


def as_markdown(found: Findings) -> str:
    """Means and standard deviations, the best in bold, and the differences to the baseline with their verdicts."""
    head, rows = _matrix(found)
    text = [[f"**{cell}**" if best else cell for cell, best in row] for row in rows]
    table = [head, ["---", "---:", *["---:"] * (len(head) - 2)], *text]
    body = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in table]
    below = [note.replace("*", r"\*", 1) if note.startswith("*") else note for note in _notes(found)]
    return "\n".join([*body, *(f"\n{note}" for note in below)]) + "\n"


def _plain(cell: str) -> str:
    return cell.replace("|", r"\|").replace("_", r"\_")


def as_latex(found: Findings) -> str:
    """The same as a `table`; it takes `\\usepackage{booktabs}` and nothing else."""
    head, rows = _matrix(found)
    text = [[_bold(latex(cell)) if best else latex(cell) for cell, best in row] for row in rows]
    join: Callable[[Sequence[str]], str] = lambda cells: "  " + " & ".join(cells) + r" \\"
    title = found.results.about or found.results.name
    caption = [f"{title.rstrip('.')}.", f"Mean ± standard deviation over {several(len(found.seeds), 'seed')}."]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{latex(' '.join([*caption, *_notes(found)]))}}}",
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


def _notes(found: Findings) -> list[str]:
    """How the metrics measured, and what speaks against those with a star."""
    return notes(found.columns, found.results.caveats, found.results.measured)


def heading(found: Findings, column: str) -> str:
    """`outline_f1 ↑`, `psnr* ↑`: the arrow points to what is better; a star, to a note."""
    star = "*" if column in found.results.caveats else ""
    return f"{column}{star} {'↑' if found.higher(column) else '↓'}"


def _matrix(found: Findings) -> tuple[list[str], list[Cells]]:
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
