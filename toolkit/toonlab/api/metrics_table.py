"""The table of one run: its metrics below those of the unmodified photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toonlab.engine.evaluator import caveats
from toonlab.recipes.load import load
from toonlab.report.history import by_step
from toonlab.studies.results import tables

from . import html

if TYPE_CHECKING:
    from .run import TrainedRun


@dataclass(frozen=True)
class MetricsTable:
    """The rows of a run's table, and the notes below it.

    Args:
        rows: the unmodified photo's, and the run's.
        primary: the name of the first metric.
        higher: of each metric, whether more is better.
        caveats: of each metric that has one.
        measured: how each metric measured.
    """

    rows: Sequence[tables.Row]
    primary: str
    higher: Mapping[str, bool]
    caveats: Mapping[str, str]
    measured: Mapping[str, Mapping[str, Any]]

    def to_html(self) -> str:
        columns = tables.columns(self.rows)
        rows = [[(row.name, False), *((row.cell(column), False) for column in columns)] for row in self.rows]
        notes = tables.notes(columns, self.caveats, self.measured)
        return html.table(["method", *map(self._heading, columns)], rows, notes)

    def _heading(self, column: str) -> str:
        """`outline_f1 ↑`; a star refers to a note."""
        return f"{column}{'*' if column in self.caveats else ''} {'↑' if self.higher.get(column) else '↓'}"


def metrics_table(run: TrainedRun) -> MetricsTable | None:
    """The table of a run; None before its first evaluation."""
    measured, outcome = run.metrics, run.outcome
    if not measured:
        return None
    parts = load(run.directory / "recipe.yaml", run.catalogue).evaluate.metrics
    metrics = tables.leading(measured, [part.use for part in parts])
    seconds = outcome.seconds if outcome else round(by_step(run.directory)[-1]["seconds"], 3)
    row = tables.Row(run.recipe_name, {name: [value] for name, value in {**metrics, "seconds": seconds}.items()})
    photo = {name: value for name, value in run.photo.items() if name in metrics}
    return MetricsTable(
        rows=tables.with_photo(photo, [row]),
        primary=next(iter(metrics)),
        higher={part.use: part.make(run.catalogue).higher_is_better for part in parts},
        caveats=caveats(parts, run.catalogue),
        measured=outcome.measured if outcome else {},
    )
