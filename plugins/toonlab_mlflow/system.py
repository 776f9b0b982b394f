"""System metrics, by MLflow's own monitor."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from toonlab import PartError


def check() -> None:
    """Raise a PartError if what the monitor needs is not installed."""
    if find_spec("psutil") is None:
        raise PartError("mlflow: system_metrics needs psutil: pip install psutil (and nvidia-ml-py for NVIDIA GPUs)")


def load() -> Any:
    """Import MLflow's monitor, where no other thread imports (see `store.load`)."""
    from mlflow.system_metrics import system_metrics_monitor

    return system_metrics_monitor.SystemMetricsMonitor  # untyped there


class SystemMetrics:
    """Processor, memory, disk, network and GPU as metrics `system/…` of one MLflow run, every ten seconds.

    They are samples of a machine and no result of the run: what MLflow misses of them is gone.
    """

    def __init__(self, run_id: str, uri: str) -> None:
        self._monitor = load()(run_id, resume_logging=True, tracking_uri=uri)
        self._monitor.start()

    def stop(self) -> None:
        self._monitor.finish()
