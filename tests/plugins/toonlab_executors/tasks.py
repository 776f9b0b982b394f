"""Tasks for executors; workers import them by their module."""

from __future__ import annotations

import os
import time

from toonlab import TaskContext, UnfitSlotError


def place(context: TaskContext) -> tuple[str, int, int]:
    """The slot's host and threads, and the process."""
    return context.slot.host, context.slot.threads, os.getpid()


def settings(context: TaskContext) -> dict[str, str]:
    """Environment variables that decide how fast a cell is."""
    return {name: os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_")}


def count(number: int, context: TaskContext) -> int:
    for step in range(number):
        context.send(step)
    return number


def until_stopped(context: TaskContext) -> str:
    context.send("begun")
    while (reason := context.stop_reason()) is None:
        time.sleep(0.05)
    return reason


def divide(by: int, context: TaskContext) -> float:
    return 1 / by


def unfit(context: TaskContext) -> None:
    raise UnfitSlotError("the code of toonlab differs from the study's")
