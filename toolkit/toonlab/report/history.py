"""The course of runs: what `metrics.jsonl` holds, over steps and over seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from toonlab.runs.directory import read_metrics
from toonlab.studies.results.results import StudyResults

LOSS = "generator/total"


@dataclass(frozen=True)
class Curve:
    """One run's values of a metric; `seconds` since the run began, without the time between its lives."""

    label: str
    seed: int
    steps: Sequence[int]
    seconds: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True)
class History:
    """A finished run: a record for each step that was logged or evaluated, as `by_step` gives them."""

    label: str
    seed: int
    records: Sequence[dict[str, float]]

    def curve(self, name: str) -> Curve:
        """The values of a loss or a metric, at the steps that have one."""
        kept = [record for record in self.records if name in record]
        steps, seconds, values = ([record[key] for record in kept] for key in ("step", "seconds", name))
        return Curve(self.label, self.seed, [int(step) for step in steps], seconds, values)


def histories(results: StudyResults) -> list[History]:
    """The finished runs of a study, each read once."""
    cells = (cell for cell in results.cells if cell.status == "finished")
    return [History(cell.variant.label, cell.seed, by_step(results.directory / cell.run)) for cell in cells]


def by_step(directory: Path) -> list[dict[str, float]]:
    """A record for each step of a run that was logged or evaluated: `step`, `seconds`, and the values by name."""
    lines = [line for line in read_metrics(directory / "metrics.jsonl") if {"step", "time"} <= line.keys()]
    seconds = elapsed([line["time"] for line in lines], _began(directory))
    found: dict[int, dict[str, float]] = {}
    for line, at in zip(lines, seconds, strict=True):
        values = {**(line.get("scalars") or {}), **(line.get("evaluation") or {})}
        if values:
            found.setdefault(line["step"], {"step": line["step"]}).update({"seconds": at, **values})
    return list(found.values())


def elapsed(times: Sequence[float], began: float | None) -> list[float]:
    """Seconds of training at each of some times.

    A run that was stopped and resumed rewrites its `environment.json`: the time between its last line before that and
    then is no training. Of several such gaps only the last is known.

    Args:
        times: of the lines, in seconds since 1970.
        began: when the run's last life began; None if unknown.
    """
    if not times:
        return []
    if began is None or began <= times[0]:
        start = times[0] if began is None else began
        return [at - start for at in times]
    gap = began - max(at for at in times if at < began)
    return [at - times[0] - (gap if at >= began else 0) for at in times]


def _began(directory: Path) -> float | None:
    try:
        environment = json.loads((directory / "environment.json").read_text(encoding="utf-8"))
        return datetime.fromisoformat(environment["date"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return None
