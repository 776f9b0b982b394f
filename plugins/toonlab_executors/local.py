"""The executor of this machine, and its devices, which are found without initializing CUDA."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Annotated, Any, TypeVar

from pydantic import Field

from toonlab import Slot, ToonlabError

T = TypeVar("T")


class LocalExecutor:
    """Runs tasks in threads of this process; a cell's task starts a process for its run.

    Args:
        jobs: tasks at once; by default one for each GPU, or one on a CPU.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda`, `cuda:1`, …

    Raises:
        ToonlabError: if this machine has no such device, or fewer cores than jobs.
    """

    def __init__(self, jobs: Annotated[int | None, Field(gt=0)] = None, device: str = "auto") -> None:
        self.slots: Sequence[Slot] = local_slots(jobs, device)
        self._free: SimpleQueue[Slot] = SimpleQueue()
        for slot in self.slots:
            self._free.put(slot)
        self._stops: dict[str, str] = {}

    def __enter__(self) -> LocalExecutor:
        self._pool = ThreadPoolExecutor(len(self.slots), thread_name_prefix="slot")
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(
        self,
        function: Callable[..., T],
        /,
        *arguments: Any,
        key: str,
        priority: int = 0,
        on_message: Callable[[Any], None] = lambda _: None,
    ) -> Future[T]:
        """Run a task when a slot is free; waiting tasks begin in the order in which they came."""
        self._stops.pop(key, None)
        return self._pool.submit(self._call, function, arguments, key, on_message)

    def stop(self, key: str, reason: str) -> None:
        self._stops[key] = reason

    def _call(
        self, function: Callable[..., T], arguments: Sequence[Any], key: str, on_message: Callable[[Any], None]
    ) -> T:
        slot = self._free.get()
        try:
            return function(*arguments, _Context(slot, on_message, key, self._stops))
        finally:
            self._free.put(slot)


@dataclass
class _Context:
    """A `toonlab.TaskContext`."""

    slot: Slot
    send: Callable[[Any], None]
    key: str
    stops: dict[str, str] = field(default_factory=dict)

    def stop_reason(self) -> str | None:
        return self.stops.get(self.key)


# -- devices


def local_slots(jobs: int | None, device: str) -> list[Slot]:
    """The slots of this machine: GPUs in turn, so that more jobs than GPUs share them; or parts of the CPU.

    Args:
        jobs: how many; by default one for each GPU, or one on a CPU.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda`, `cuda:1`, or another one of torch's.

    Raises:
        ToonlabError: if this machine has no such device, or fewer cores than jobs.
    """
    count, host = cores(), socket.gethostname()
    gpus = visible_gpus(device)
    if not gpus and jobs is not None and jobs > count:
        raise ToonlabError(f"--jobs {jobs}: more than this machine has cores ({count}); each job needs one at least")
    number = jobs or len(gpus) or 1
    threads = max(1, count // number)
    if not gpus:
        return [Slot(host, "cpu" if device == "auto" else device, (), threads)] * number
    return [Slot(host, "cuda", (gpus[place % len(gpus)],), threads) for place in range(number)]


def visible_gpus(device: str) -> list[str]:
    """The GPUs that a device's name stands for, each as `CUDA_VISIBLE_DEVICES` names it; none for others.

    Raises:
        ToonlabError: if there is no such GPU.
    """
    kind, _, index = device.partition(":")
    if kind not in ("auto", "cuda"):
        return []
    found = _listed()
    if device == "auto" or (found and not index):
        return found
    if not index.isdigit() or int(index) >= len(found):
        raise ToonlabError(f"--device {device}: no such GPU (number of GPUs here: {len(found)}); take auto or cpu")
    return [found[int(index)]]


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _listed() -> list[str]:
    """`CUDA_VISIBLE_DEVICES` where it is set; else the MIG slices and the whole GPUs."""
    if (given := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in given.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    with suppress(ImportError):
        return _by_nvml()
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _by_nvml() -> list[str]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver
        return []
    try:
        return [name for number in range(pynvml.nvmlDeviceGetCount()) for name in _slices(number)]
    finally:
        pynvml.nvmlShutdown()


def _slices(number: int) -> list[str]:
    """The UUIDs of a GPU's MIG slices; the GPU's number if it has none."""
    import pynvml

    gpu = pynvml.nvmlDeviceGetHandleByIndex(number)
    found = []
    with suppress(pynvml.NVMLError):  # no MIG
        if pynvml.nvmlDeviceGetMigMode(gpu)[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return [str(number)]
        for place in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu)):
            with suppress(pynvml.NVMLError):  # no slice there
                found.append(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, place)))
    return found or [str(number)]
