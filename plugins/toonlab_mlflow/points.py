"""`metrics.jsonl` as points of MLflow's metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_PREFIXES = {"scalars": "", "evaluation": "eval/", "test": "test/", "selected": "selected/"}


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


def points(values: Mapping[str, float], step: int, seconds: float, prefix: str = "") -> Iterator[Point]:
    """Values of one step, measured at a time in seconds since 1970."""
    for name, value in values.items():
        yield Point(legal_name(f"{prefix}{name}"), value, round(seconds * 1000), step)


def legal_name(name: str) -> str:
    """The name with `_` in place of each character that MLflow refuses."""
    return re.sub(r"[^\w./ -]", "_", name)


def _points(line: bytes) -> Iterator[Point]:
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return
    for kind, prefix in _PREFIXES.items():
        yield from points(record.get(kind, {}), record["step"], record["time"], prefix)
