from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from toonlab import PartError
from toonlab.types import Run
from toonlab_mlflow import MLflow


def test_what_is_missing_is_named_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)  # which find_spec takes for not installed
    with pytest.raises(PartError, match="mlflow: system_metrics needs psutil: pip install psutil"):
        MLflow(system_metrics=True)


def test_the_load_is_logged_at_the_runs_steps_and_by_no_thread(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, MLflow(system_metrics=True, patience=240))
    for step in (3, 7):
        alive.evaluate(step, psnr=1.0)
    assert "SystemMetricsMonitor" not in {thread.name for thread in threading.enumerate()}
    alive.end(7)
    load = store(uri).history("system/cpu_utilization_percentage")
    assert [step for step, _ in load] == [3, 7]
    assert all(0 <= value <= 100 for _, value in load)
    assert "system/system_memory_usage_percentage" in store(uri).the_run().data.metrics
