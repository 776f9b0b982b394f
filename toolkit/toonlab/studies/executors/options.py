"""Where a study's runs execute, and under which name its command is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExecutionOptions:
    """Where a study's runs execute.

    Args:
        runs: the folder of all runs; the study's is `runs/<study>`.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda:1`, …
        jobs: cells at once; by default one for each device.
        storage: an Optuna storage by which several machines share the work.
        stale_after: seconds without a heartbeat after which a cell is given to another worker.
        joined: whether this is a worker of a study that another process reports on.
        command: the command or the Python call that the study's files record; None if unknown.
        tracking_uri: where trackers keep the runs, in place of the recipes' `tracking_uri`.
    """

    runs: Path = Path("runs")
    device: str = "auto"
    jobs: int | None = None
    storage: str | None = None
    stale_after: int = 120
    joined: bool = False
    command: str | None = None
    tracking_uri: str | None = None


HERE = ExecutionOptions()
