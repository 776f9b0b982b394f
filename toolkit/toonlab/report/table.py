"""The table of a report: its cells for the page, and as CSV with every seed, Markdown and LaTeX for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from toonlab.studies.results.results import CellResult, short_names
from toonlab.studies.results.tables import PHOTO, TableRow, TextTable, notes
from toonlab.utils.text import several, shown

from . import summary
from .findings import Findings
from .format import difference_text, mean_and_spread

MEDIAN = "difference: the median over seeds of paired differences, which need not be the difference of the means"


@dataclass(frozen=True)
class Cell:
    """The text of a row in one column, its mean to sort by (None without a value), and whether it is the best."""

    text: str
    mean: float | None
    best: bool


def cells(found: Findings, row: TableRow) -> list[Cell]:
    """A row's cells in the order of the columns; values that are not finite count as missing."""
    columns = found.columns
    values = [row.values.get(name, ()) if row.name == PHOTO else found.values(name, row.name) for name in columns]
    return [
        Cell(mean_and_spread(own, found.digits(name)), fmean(own) if own else None, row.name in found.best(name))
        for name, own in zip(columns, values, strict=True)
    ]


def heading(found: Findings, column: str) -> str:
    """`outline_f1 ↑`, `psnr* ↑`: the arrow points to what is better; a star, to a note."""
    star = "*" if column in found.results.caveats else ""
    return f"{column}{star} {'↑' if found.higher(column) else '↓'}"


def seeds_text(row: TableRow) -> str:
    """How many seeds a row has; a dash for the unmodified photo, and where nothing has finished."""
    return "–" if row.name == PHOTO else str(row.seeds or "–")


def as_table(found: Findings) -> TextTable:
    """The table as text, with the best of each column in bold, the differences to the baseline, and its notes."""
    head = ["method", "seeds", *(heading(found, column) for column in found.columns)]
    rows = found.results.rows
    table = [[(r.title, False), (seeds_text(r), False), *((c.text, c.best) for c in cells(found, r))] for r in rows]
    if found.differences.get(found.primary):
        head.insert(3, f"difference to {shown(found.results.baseline_text)}")
        for row, texts in zip(rows, table, strict=True):
            texts.insert(3, (_difference(found, row.name), False))
    best = {(row, column) for row, texts in enumerate(table) for column, (_, is_best) in enumerate(texts) if is_best}
    basis = summary.basis(found)
    said = [summary.sentence(basis).removesuffix(".")] if basis else []
    said += [MEDIAN] if found.differences.get(found.primary) and len(found.seeds) > 1 else []
    below = [*said, *notes(found.columns, found.results.caveats, found.results.measured)]
    return TextTable(head, [[text for text, _ in texts] for texts in table], best, below)


def _difference(found: Findings, name: str) -> str:
    """`+0.042 (+0.021 to +0.063), better`."""
    if name == PHOTO:
        return "–"
    difference = found.difference(name)
    given = [difference_text(difference, found.digits(found.primary))] if difference else []
    return ", ".join([*given, *filter(None, [found.verdict(name)])]) or "–"


def exports(found: Findings) -> dict[str, str]:
    """The table for other programs, by the suffix of its file.

    `csv` has a line for each cell, with the values exactly as they were measured: recipe, one column for each factor,
    seed, status, every metric and cost, seconds, and the variant's verdict. `md` and `tex` have means and standard
    deviations, the best in bold, and the differences to the baseline with their verdicts; LaTeX needs booktabs.
    """
    table, title = as_table(found), (found.results.about or found.results.name).rstrip(".")
    caption = f"{title}. Mean ± standard deviation over {several(len(found.seeds), 'seed')}."
    return {"csv": _csv(found), "md": table.markdown(), "tex": table.latex(caption, found.results.name)}


def _csv(found: Findings) -> str:
    file, rows = io.StringIO(), records(found)
    if found.results.verdicts:
        for cell, row in zip(found.results.cells, rows, strict=True):
            row["verdict"] = found.verdict(cell.variant.label)
    head = rows[0] if rows else ["recipe", "seed", "status", *found.columns]
    writer = csv.DictWriter(file, head, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def records(found: Findings, also: Sequence[str] = ()) -> list[dict[str, object]]:
    """A record for each cell: recipe, levels, seed, status, the table's columns and `also`; None where missing.

    `supervised` tells the variants that are trained on pairs from others, if there are some.
    """
    factors = short_names(list(dict.fromkeys(path for variant in found.results.variants for path in variant.levels)))
    columns = dict.fromkeys([*found.columns, *also])
    pairs = any(variant.supervised for variant in found.results.variants)
    return [
        {
            "recipe": cell.variant.recipe,
            **({"supervised": cell.variant.supervised} if pairs else {}),
            **{name: _level(cell, path) for path, name in factors.items()},
            "seed": cell.seed,
            "status": cell.status,
            **{name: cell.values.get(name) for name in columns},
        }
        for cell in found.results.cells
    ]


def _level(cell: CellResult, path: str) -> object:
    level = cell.variant.levels.get(path, "")
    return "off" if level is None else level
