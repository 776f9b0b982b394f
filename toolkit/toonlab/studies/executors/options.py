"""Where and how the cells of a study run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from toonlab.errors import ToonlabError
from toonlab.utils.distributed import pick_device


@dataclass(frozen=True)
class ExecutionOptions:
    """Where and how the cells of a study run; no result depends on it.

    Args:
        runs: the folder of all runs; the study's is `runs/<study>`.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda:1`, …
        jobs: cells at once; by default one for each device.
        storage: an Optuna storage by which several machines share the work.
        stale_after: seconds without a heartbeat after which a cell is given to another worker.
        joined: whether this is a worker of a study that another process reports on.
        command: the command that results and environment files name; this program's if not given.
        tracking_uri: where trackers keep the runs, instead of the recipes' own.
    """

    runs: Path = Path("runs")
    device: str = "auto"
    jobs: int | None = None
    storage: str | None = None
    stale_after: int = 120
    joined: bool = False
    command: str = ""
    tracking_uri: str | None = None

    @property
    def devices(self) -> list[str]:
        """The device of each job: GPUs in turn, so that more jobs than GPUs share them.

        Raises:
            ToonlabError: if this machine has no such device, or fewer cores than jobs.
        """
        picked = pick_device(self.device)
        if picked.type == "cuda" and picked.index is None:
            devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        else:
            devices = [str(picked)]
        cores = os.cpu_count() or 1
        if self.jobs is not None and picked.type == "cpu" and self.jobs > cores:
            raise ToonlabError(f"--jobs {self.jobs}: this machine has {cores} cores; each job needs one at least")
        return [devices[number % len(devices)] for number in range(self.jobs or len(devices))]


def threads_of(devices: Sequence[str]) -> int | None:
    """The torch threads of each of several jobs that share a CPU; None where torch may decide."""
    shared = devices[0] == "cpu" and len(devices) > 1
    return max(1, torch.get_num_threads() // len(devices)) if shared else None
