"""The machine's load, measured by MLflow's own monitor; without its thread, which would send by itself."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from toonlab import PartError


def check_installed() -> None:
    """Raise a PartError if psutil, which the monitor needs, is not installed."""
    if find_spec("psutil") is None:
        raise PartError("mlflow: system_metrics needs psutil: pip install psutil (and nvidia-ml-py for NVIDIA GPUs)")


class SystemLoad:
    """Load of processor, memory, disk, network and GPU, without a prefix.

    These are samples of a machine and no result of the run; `toonlab sync` does not restore them.
    """

    def __init__(self, run_id: str, uri: str) -> None:
        from mlflow.system_metrics import system_metrics_monitor

        untyped: Any = system_metrics_monitor.SystemMetricsMonitor
        self._monitor = untyped(run_id, tracking_uri=uri)  # never started

    def sample(self) -> dict[str, float]:
        """The load now."""
        self._monitor.collect_metrics()
        values: dict[str, float] = self._monitor.aggregate_metrics()
        for monitor in self._monitor.monitors:
            monitor.clear_metrics()
        return values
