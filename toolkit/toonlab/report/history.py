"""How runs went: what `metrics.jsonl` says, over steps and over seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from toonlab.runs.directory import read_metrics
from toonlab.studies.results.results import Results

LOSS = "generator/total"


@dataclass(frozen=True)
class Curve:
    """One run's values of a metric; `seconds` since the run began, without the time between its lives."""

    label: str
    seed: int
    steps: Sequence[int]
    seconds: Sequence[float]
    values: Sequence[float]


def curves(results: Results, kind: str, name: str) -> list[Curve]:
    """A curve for each finished run that has values.

    Args:
        kind: of the lines, `evaluation` or `scalars`.
        name: of the value within.
    """
    found = (
        curve_of(results.directory / c.run, c.variant.label, c.seed, kind, name)
        for c in results.cells
        if c.status == "finished"
    )
    return [curve for curve in found if curve.values]


def curve_of(directory: Path, label: str, seed: int, kind: str, name: str) -> Curve:
    """The values of one run; `kind` and `name` as for `curves`."""
    lines = [line for line in read_metrics(directory / "metrics.jsonl") if {"step", "time"} <= line.keys()]
    seconds = elapsed([line["time"] for line in lines], _began(directory))
    kept = [
        (line["step"], at, line[kind][name]) for line, at in zip(lines, seconds, strict=True) if _has(line, kind, name)
    ]
    return Curve(label, seed, [step for step, _, _ in kept], [at for _, at, _ in kept], [value for _, _, value in kept])


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


def _has(line: dict[str, Any], kind: str, name: str) -> bool:
    return isinstance(line.get(kind), dict) and name in line[kind]


def elapsed(times: Sequence[float], began: float | None) -> list[float]:
    """Seconds of training at each of some times.

    A run that was stopped and resumed rewrites its `environment.json`: what lies between its last line before that and
    then is no training. Of more than one such gap only the last is known.

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
