"""The rows of a study's table, and the notes below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from .text_table import TextTable

PHOTO = "the unmodified photo"


@dataclass(frozen=True)
class TableRow:
    """One method in a table: for every metric the value of each seed."""

    name: str
    values: Mapping[str, Sequence[float]]
    note: str = ""

    @property
    def seeds(self) -> int:
        return max((len(values) for values in self.values.values()), default=0)

    @property
    def seeds_text(self) -> str:
        return "–" if self.name == PHOTO else str(self.seeds)

    @property
    def title(self) -> str:
        """`ctss (1 failed)`."""
        return f"{self.name} ({self.note})" if self.note else self.name

    def cell(self, column: str) -> str:
        """`0.652 ± 0.024`: the mean and the standard deviation over seeds."""
        values = self.values.get(column, ())
        if not values:
            return "–"
        spread = f" ± {_number(stdev(values))}" if len(values) > 1 else ""
        return _number(fmean(values)) + spread


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def leading(metrics: Mapping[str, float], wanted: Sequence[str]) -> dict[str, float]:
    """The metrics with a wanted name; all metrics, if there is none."""
    return {name: metrics[name] for name in wanted if name in metrics} or dict(metrics)


def with_photo(photo: Mapping[str, float], rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows below one of the unmodified photo, unless a row has the same values: a recipe that changes nothing."""
    same = (all(set(row.values.get(name, ())) == {value} for name, value in photo.items()) for row in rows)
    return list(rows) if any(same) else [TableRow(PHOTO, {name: [value] for name, value in photo.items()}), *rows]


def columns(rows: Sequence[TableRow]) -> list[str]:
    """All metrics, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row.values))


def notes(columns: Sequence[str], caveats: Mapping[str, str], measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The notes below a table: how its metrics measured, and why some are marked with a star."""
    ways = {name: ", ".join(f"{key} {value}" for key, value in about.items()) for name, about in measured.items()}
    return [*_together(columns, ways), *(f"* {note}" for note in _together(columns, caveats))]


def _together(names: Sequence[str], texts: Mapping[str, str]) -> list[str]:
    """`a, b: text`: one note for all names with the same text."""
    said = {text: ", ".join(name for name in names if texts.get(name) == text) for text in texts.values()}
    return [f"{of}: {text}" for text, of in said.items() if of]


def text_table(
    rows: Sequence[TableRow],
    caveats: Mapping[str, str] | None = None,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
) -> TextTable:
    """The rows as text; metrics with a caveat have a star."""
    names, caveats = columns(rows), caveats or {}
    head = ["method", "seeds", *(f"{name}*" if name in caveats else name for name in names)]
    texts = [[row.title, row.seeds_text, *(row.cell(name) for name in names)] for row in rows]
    return TextTable(head, texts, notes=notes(names, caveats, measured or {}))


def show(
    title: str,
    rows: Sequence[TableRow],
    caveats: Mapping[str, str] | None = None,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Print a table and its notes; in a file or a pipe it takes the width that it needs."""
    from rich.console import Console

    console, table = Console(), text_table(rows, caveats, measured)
    if not console.is_terminal:
        console.width = 200
    console.print(table.terminal(title))
    for note in table.notes:
        console.print(note, style="dim", highlight=False, markup=False)
