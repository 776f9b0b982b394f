"""A study's table for other programs: CSV with every seed, Markdown, and LaTeX with booktabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from toonlab.studies.results.results import CellResult, short_names
from toonlab.studies.results.tables import notes
from toonlab.studies.results.text_table import TextTable

from .findings import Findings
from .format import several
from .table import Line, lines


def as_csv(found: Findings) -> str:
    """A line for each cell, with the values exactly as they were measured.

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
    """A record for each cell: recipe, levels, seed, status, the table's columns and `also`; None where missing."""
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
    return as_table(found).markdown()


def as_latex(found: Findings) -> str:
    """The same as a LaTeX `table`."""
    title = (found.results.about or found.results.name).rstrip(".")
    caption = f"{title}. Mean ± standard deviation over {several(len(found.seeds), 'seed')}."
    return as_table(found).latex(caption, found.results.name)


def as_table(found: Findings) -> TextTable:
    """The table as text, with the best of each column, and its notes."""
    head = ["method", "seeds", *(heading(found, column) for column in found.columns)]
    rows = lines(found)
    texts = [[line.title, str(line.count or "–"), *(entry.text for entry in line.entries)] for line in rows]
    best = {(row, 2 + n) for row, line in enumerate(rows) for n, entry in enumerate(line.entries) if entry.best}
    if found.differences.get(found.primary):
        head.insert(3, f"difference to {found.results.baseline}")
        for text, line in zip(texts, rows, strict=True):
            text.insert(3, _difference(line))
        best = {(row, column + (column > 2)) for row, column in best}
    return TextTable(head, texts, best, notes(found.columns, found.results.caveats, found.results.measured))


def heading(found: Findings, column: str) -> str:
    """`outline_f1 ↑`, `psnr* ↑`: the arrow points to what is better; a star, to a note."""
    star = "*" if column in found.results.caveats else ""
    return f"{column}{star} {'↑' if found.higher(column) else '↓'}"


def _difference(line: Line) -> str:
    """`+0.042 (+0.021 to +0.063), better`."""
    between = f" ({line.interval})" if line.interval else ""
    given = f"{line.difference.text}{between}" if line.difference else ""
    return ", ".join(text for text in (given, line.verdict) if text) or "–"
