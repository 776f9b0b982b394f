"""The formats of a run's files, as they are read back: names, types and ranges."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from toonlab.types import Outcome

Step = Annotated[int, Field(ge=0, le=10**12)]
Seconds = Annotated[float, Field(ge=0, le=1e11)]  # 1e11 s since 1970 is the year 5138
Values = dict[str, float]  # of losses or metrics, which may be infinite or NaN


def _is_date(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Date = Annotated[str, AfterValidator(_is_date)]


class _Line(TypedDict):
    step: Step
    time: Seconds


class MetricsLine(_Line, total=False):
    """A line of `metrics.jsonl`."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    scalars: Values
    evaluation: Values
    audit: Values
    selected: Values
    test: Values


class Identity(TypedDict, total=False):
    """What a run's identity is made of, without its recipe; further keys hold data manifests."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    code: dict[str, str]
    distributions: list[str]


class Environment(TypedDict, total=False):
    """`environment.json`."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    device: str
    device_name: str
    processes: Step
    cpus: Step | None
    threads: Step
    python: str
    platform: str
    versions: dict[str, str | None]
    command: str
    commit: str | None
    date: Date
    study: str
    identity: Identity


def _plausible(outcome: Outcome) -> Outcome:
    for name, highest in (("step", 10**12), ("seconds", 1e11)):
        if not 0 <= getattr(outcome, name) <= highest:
            raise ValueError(f"{name} is {getattr(outcome, name)}, expected 0 to {highest:g}")
    return outcome


METRICS_LINE: TypeAdapter[Any] = TypeAdapter(MetricsLine)
ENVIRONMENT: TypeAdapter[Any] = TypeAdapter(Environment)
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Annotated[Outcome, AfterValidator(_plausible)])
