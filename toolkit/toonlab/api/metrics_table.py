"""The table of one run: its metrics below those of the unmodified photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toonlab.engine.evaluator import caveats
from toonlab.recipes.load import load
from toonlab.report.history import by_step
from toonlab.studies.results import tables
from toonlab.studies.results.tables import TextTable

if TYPE_CHECKING:
    from .run import TrainedRun


@dataclass(frozen=True)
class MetricsTable:
    """Rows, the directions of their columns, and the texts of the notes below."""

    rows: Sequence[tables.TableRow]
    higher: Mapping[str, bool]
    caveats: Mapping[str, str]
    measured: Mapping[str, Mapping[str, Any]]

    def to_html(self) -> str:
        columns = tables.columns(self.rows)
        stars = dict.fromkeys(self.caveats, "*")
        head = [f"{name}{stars.get(name, '')} {'↑' if self.higher.get(name) else '↓'}" for name in columns]
        rows = [[row.title, *map(row.cell, columns)] for row in self.rows]
        return TextTable(["method", *head], rows, notes=tables.notes(columns, self.caveats, self.measured)).html()


def metrics_table(run: TrainedRun) -> MetricsTable | None:
    """The table of a run, its primary metric first; None before its first evaluation."""
    measured, outcome = run.metrics, run.outcome
    if not measured:
        return None
    recipe = load(run.directory / "recipe.yaml", run.catalogue)
    parts = recipe.evaluate.metrics
    metrics = tables.leading(measured, [part.use for part in parts])
    seconds = outcome.seconds if outcome else round(by_step(run.directory)[-1]["seconds"], 3)
    values = {name: [value] for name, value in {**metrics, "seconds": seconds}.items()}
    row = tables.TableRow(run.recipe_name, values, note="supervised" if recipe.supervised else "")
    photo = {name: run.photo[name] for name in metrics if name in run.photo}
    higher = {part.use: part.make(run.catalogue).higher_is_better for part in parts}
    ways = outcome.measured if outcome else {}
    return MetricsTable(tables.with_photo(photo, [row]), higher, caveats(parts, run.catalogue), ways)
