"""Executors: where the cells of a study run. No number of a run depends on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from toonlab.errors import ToonlabError

T = TypeVar("T")


@dataclass(frozen=True)
class Slot:
    """A place where an executor runs one task at a time; slots that are equal share their device.

    Args:
        host: the machine.
        device: torch's name of it: `cpu`, or `cuda` if the slot has a GPU.
        gpus: as in `CUDA_VISIBLE_DEVICES`: numbers, or the UUIDs of GPUs or MIG slices. Empty: a CPU slot.
        threads: CPU cores that are the slot's own.
    """

    host: str
    device: str = "cpu"
    gpus: tuple[str, ...] = ()
    threads: int = 1


class TaskContext(Protocol):
    """What a task gets of its executor, as its last argument."""

    @property
    def slot(self) -> Slot:
        """The slot that it runs in."""

    def send(self, message: object, /) -> None:
        """Send a picklable message to the `on_message` of the program that submitted the task."""

    def stop_reason(self) -> str | None:
        """Why the task is to end early; None as long as it is not."""


class UnfitSlotError(ToonlabError):
    """A task can't run in this slot, since its machine has other code or data; it may in another."""


class Executor(Protocol):
    """Runs tasks in slots, as `concurrent.futures.Executor` does; a context manager.

    A task is a function of a module, and its arguments can be pickled. It is called as `function(*arguments, context)`.
    """

    @property
    def slots(self) -> Sequence[Slot]:
        """The slots there are now; they may come and go. Called about twice a second by the thread that submits."""

    def submit(
        self,
        function: Callable[..., T],
        /,
        *arguments: Any,
        key: str,
        priority: int = 0,
        on_message: Callable[[Any], None] = lambda _: None,
    ) -> Future[T]:
        """Run a task when a slot is free; a task whose machine is lost is run again elsewhere.

        Args:
            function: a function of a module.
            arguments: its arguments.
            key: names the task; no two tasks have the same at a time.
            priority: of waiting tasks, the one with the highest begins first.
            on_message: called with each message of the task, in any thread.
        """

    def stop(self, key: str, reason: str) -> None:
        """Let a task know by its context that it is to end early, or cancel it if it has not begun."""

    def __enter__(self) -> Executor:
        """Connect to the slots.

        Raises:
            ToonlabError: if there are none of the kind that was asked for.
        """

    def __exit__(self, *exception: object) -> None:
        """Let the slots go; no task is running."""


ExecutorFactory = Callable[..., Executor]
