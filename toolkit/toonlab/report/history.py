"""The course of runs: what `metrics.jsonl` holds, over steps and over seconds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from toonlab.errors import ToonlabError
from toonlab.runs.directory import read_environment, read_metrics
from toonlab.studies.results.results import StudyResults

LOSS = "generator/total"
Records = list[dict[str, float]]  # of a run, one for each step: `step`, `seconds`, and the values by name


def histories(results: StudyResults) -> list[tuple[str, Records]]:
    """The label and the records of each finished run of a study."""
    cells = (cell for cell in results.cells if cell.status == "finished")
    return [(cell.variant.label, by_step(results.directory / cell.run)) for cell in cells]


def by_step(directory: Path) -> Records:
    """A record for each step of a run that was logged or evaluated; `seconds` since the run began, see `elapsed`."""
    lines = list(read_metrics(directory / "metrics.jsonl"))
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
    began = times[0] if began is None else began
    start, gap = min(times[0], began), began - max((at for at in times if at < began), default=began)
    return [at - start - (gap if at >= began else 0) for at in times]


def _began(directory: Path) -> float | None:
    with suppress(ToonlabError, KeyError, OverflowError, ValueError):
        return datetime.fromisoformat(read_environment(directory)["date"]).timestamp()
    return None
