from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from toonlab import PartError
from toonlab.events import Run
from toonlab_mlflow import MLflow

psutil = pytest.mark.skipif(find_spec("psutil") is None, reason="psutil is not installed")


@pytest.mark.skipif(find_spec("psutil") is not None, reason="psutil is installed")
def test_what_is_missing_is_named_before_the_run() -> None:
    with pytest.raises(PartError, match="mlflow: system_metrics needs psutil: pip install psutil"):
        MLflow(system_metrics=True)


@psutil
def test_the_load_is_logged(
    run: Run, uri: str, life: Any, store: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    alive = life(run, MLflow(system_metrics=True, patience=240))
    until(lambda: store(uri).runs() and store(uri).the_run().data.metrics)
    alive.end(1)
    assert "system/cpu_utilization_percentage" in store(uri).the_run().data.metrics
