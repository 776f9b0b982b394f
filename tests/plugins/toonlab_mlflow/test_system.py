from __future__ import annotations

import sys
from typing import Any

import pytest

from toonlab import PartError
from toonlab.types import Run
from toonlab_mlflow import MLflow


def test_what_is_missing_is_named_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)  # which find_spec takes for not installed
    with pytest.raises(PartError, match="mlflow: system_metrics needs psutil: pip install psutil"):
        MLflow(system_metrics=True)


def test_the_load_is_logged(
    run: Run, uri: str, life: Any, store: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    alive = life(run, MLflow(system_metrics=True, patience=240))
    until(lambda: store(uri).runs() and store(uri).the_run().data.metrics)
    alive.end(1)
    assert "system/cpu_utilization_percentage" in store(uri).the_run().data.metrics
