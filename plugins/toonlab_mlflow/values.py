"""Values as MLflow takes them: a recipe as flat parameters; `metrics.jsonl`, and the machine's load, as points."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

_LONGEST = 6000  # characters: MLflow's limit for the value of a parameter
_PREFIXES = {"scalars": "train/"} | {kind: f"{kind}/" for kind in ("evaluation", "audit", "test", "selected")}


class _Values(TypedDict, total=False):
    scalars: dict[str, float]
    evaluation: dict[str, float]
    audit: dict[str, float]
    test: dict[str, float]
    selected: dict[str, float]


class _Line(_Values):
    step: Annotated[int, Field(ge=0, le=10**12)]
    time: Annotated[float, Field(ge=0, le=1e11)]  # seconds since 1970


@cache
def _line() -> TypeAdapter[Any]:
    return TypeAdapter(_Line)


class Point(NamedTuple):
    """A value of a metric, with the fields of `mlflow.entities.Metric`."""

    name: str
    value: float
    milliseconds: int  # since 1970
    step: int


class MetricsReader:
    """Reads a `metrics.jsonl` that is still being written; each call of `new` continues where the last one ended.

    A point carries the time of its line, so a point that is sent twice is the same point.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._offset = path, 0

    def new(self) -> Iterator[Point]:
        """The points of the lines that were completed since the last call; none if there is no file."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):  # being written, or cut short by a kill
                    return
                self._offset += len(line)
                yield from _points(line)


def _points(line: bytes) -> Iterator[Point]:
    try:
        record = _line().validate_json(line, strict=True)
    except ValidationError:  # damaged; the rest is sent
        return
    for kind, prefix in _PREFIXES.items():
        yield from points(record.get(kind, {}), record["step"], record["time"], prefix)


def points(values: Mapping[str, float], step: int, seconds: float, prefix: str = "") -> Iterator[Point]:
    """Values of one step, measured at a time in seconds since 1970."""
    for name, value in values.items():
        yield Point(legal_name(f"{prefix}{name}"), value, round(seconds * 1000), step)


def milliseconds(environment: Mapping[str, Any]) -> int | None:
    """When a run began, in milliseconds since 1970; None if that is unknown."""
    date = environment.get("date")
    return round(datetime.fromisoformat(date).timestamp() * 1000) if date else None


def legal_name(name: str) -> str:
    """The name with `_` in place of each character that MLflow refuses."""
    return re.sub(r"[^\w./ -]", "_", name)


def flatten(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Dotted paths and values: `{"critics": {"patch": {"k": 4}}}` -> `{"critics.patch.k": "4"}`.

    Text is kept; other values, including lists and empty mappings, are written as JSON. Values longer than MLflow's
    limit of 6000 characters are cut. `observers` is left out: it does not affect what a run computes, and may hold a
    password.
    """
    return dict(_leaves({key: value for key, value in recipe.items() if key != "observers"}, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    else:
        text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        yield path, text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class SystemLoad:
    """The load of processor, memory, disk, network and GPU, measured by MLflow's own monitor, but not by its thread.

    These are samples of a machine and no result of the run; `toonlab sync` does not restore them.
    """

    def __init__(self, run_id: str, uri: str) -> None:
        from mlflow.system_metrics import system_metrics_monitor

        untyped: Any = system_metrics_monitor.SystemMetricsMonitor
        self._monitor = untyped(run_id, tracking_uri=uri)  # never started: its thread would send by itself

    def points(self, step: int) -> Iterator[Point]:
        """The load now, as points of `system/…`."""
        self._monitor.collect_metrics()
        load = self._monitor.aggregate_metrics()
        for monitor in self._monitor.monitors:
            monitor.clear_metrics()
        return points(load, step, time.time(), "system/")
