"""The executor of this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Annotated, Any, TypeVar

from pydantic import Field

from toonlab import Slot

from .devices import local_slots

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
