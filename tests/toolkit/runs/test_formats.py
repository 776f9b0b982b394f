"""The formats of a run's files: types and ranges, not only names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toonlab.runs.formats import ENVIRONMENT, METRICS_LINE, OUTCOME
from toonlab.types import Outcome
from toonlab.utils.reading import parse_json

LINE = {"step": 1, "time": 9.0, "scalars": {"loss": 0.5}}
OUTCOME_ = Outcome("finished", 8, 1.5, None, {"psnr": float("inf")}, {}, {"kid": {"pictures": 3}}, {}).to_json()


def test_what_toonlab_writes_fits() -> None:
    assert parse_json(json.dumps(LINE), METRICS_LINE) == LINE
    assert parse_json(json.dumps(OUTCOME_), OUTCOME).to_json() == OUTCOME_
    environment = {"versions": {"torch": None}, "date": "2026-01-01T00:00:00+00:00", "identity": {"data": {"n": 1}}}
    assert parse_json(json.dumps(environment), ENVIRONMENT) == environment


@pytest.mark.parametrize("change", [{"step": -1}, {"step": "1"}, {"step": 1.5}, {"time": None}, {"scalars": [1]}])
def test_a_line_of_other_types_does_not_fit(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        parse_json(json.dumps({**LINE, **change}), METRICS_LINE)


@pytest.mark.parametrize(
    "change", [{"step": -1}, {"seconds": float("inf")}, {"status": "done"}, {"metrics": {"psnr": "high"}}, {"more": 1}]
)
def test_an_outcome_of_other_types_does_not_fit(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        parse_json(json.dumps({**OUTCOME_, **change}), OUTCOME)


@pytest.mark.parametrize("wrong", [{"date": "yesterday"}, {"identity": {"code": [1]}}, {"versions": 3}])
def test_an_environment_of_other_types_does_not_fit(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        parse_json(json.dumps(wrong), ENVIRONMENT)
