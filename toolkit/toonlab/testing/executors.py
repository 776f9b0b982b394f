"""Tests of executors."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from toonlab.registry.executors import Executor, Slot, TaskContext

from .frame import PartTests

_PATIENCE = 60.0  # seconds that slots and tasks may take


class ExecutorTests(PartTests):
    """`class TestMyExecutor(ExecutorTests): factory = MyExecutor`. Small tasks are run; their module is this one."""

    kind = "executors"
    methods = ("submit", "stop", "__enter__", "__exit__")
    attributes = ("slots",)
    advice = "see toonlab.Executor"

    @contextmanager
    def connected(self) -> Iterator[Executor]:
        """A new executor with its slots."""
        executor: Executor = self.make()
        with executor as entered:
            self.expect(entered is executor, "__enter__ gives something else; return self")
            self.until(executor, lambda: len(executor.slots) > 0, "has no slots")
            yield executor

    def until(self, executor: Executor, condition: Callable[[], bool], otherwise: str) -> None:
        """Wait for a condition, and ask for the slots meanwhile, as a study does."""
        end = time.monotonic() + _PATIENCE
        while not condition():
            self.expect(time.monotonic() < end, f"{otherwise} after {_PATIENCE:g} s")
            time.sleep(0.02 if executor.slots else 0.1)

    def result(self, executor: Executor, future: Future[Any]) -> Any:
        """A task's result, or its error."""
        self.expect(isinstance(future, Future), "submit gives no concurrent.futures.Future")
        self.until(executor, future.done, "a task of a moment has not ended")
        return future.result()

    def test_slots_are_told(self) -> None:
        with self.connected() as executor:
            wrong = [slot for slot in executor.slots if not isinstance(slot, Slot) or slot.threads < 1]
            self.expect(not wrong, f"slots must be toonlab.Slot, with a thread at least, got {wrong[:1]}")

    def test_results_come_back(self) -> None:
        with self.connected() as executor:
            futures = [executor.submit(_double, number, key=str(number)) for number in range(5)]
            got = [self.result(executor, future) for future in futures]
        self.expect(got == [0, 2, 4, 6, 8], f"five tasks gave {got}, expected [0, 2, 4, 6, 8]; each has its own result")

    def test_errors_come_back(self) -> None:
        with self.connected() as executor:
            future = executor.submit(_fail, key="a")
            self.until(executor, future.done, "a task that raises has not ended")
            error = future.exception()
        advice = "a future's exception must be the task's"
        self.expect(isinstance(error, ZeroDivisionError), f"a task's ZeroDivisionError became {error!r}; {advice}")

    def test_messages_come_in_their_order(self) -> None:
        got: list[int] = []
        with self.connected() as executor:
            self.result(executor, executor.submit(_count, 4, key="a", on_message=got.append))
            self.until(executor, lambda: len(got) >= 4, f"only {len(got)} of 4 messages have come")
        self.expect(got == [0, 1, 2, 3], f"messages 0 to 3 came as {got}; each once, in the order of sending")

    def test_a_task_has_one_of_the_slots(self) -> None:
        with self.connected() as executor:
            slot, slots = self.result(executor, executor.submit(_slot, key="a")), list(executor.slots)
        self.expect(slot in slots, "a task's context has a slot that `slots` does not list; give it one of those")

    def test_a_task_is_stopped_by_its_key(self) -> None:
        begun: list[str] = []
        with self.connected() as executor:
            future = executor.submit(_wait, key="a", on_message=begun.append)
            self.until(executor, lambda: bool(begun), "a task has not begun")
            executor.stop("another", "not this one")
            executor.stop("a", "enough")
            got = self.result(executor, future)
        self.expect(
            got == "enough", f"the task's stop_reason was {got!r}, expected the one that stop was given, 'enough'"
        )

    def test_a_key_may_come_again(self) -> None:
        with self.connected() as executor:
            executor.stop("a", "nothing has this key")
            got = [self.result(executor, executor.submit(_double, number, key="a")) for number in (1, 2)]
        self.expect(got == [2, 4], f"tasks of one key, one after the other, gave {got}, expected [2, 4]")

    def test_cost(self) -> None:
        """Prints what a task costs that does nothing."""
        with self.connected() as executor:

            def work() -> None:
                self.result(executor, executor.submit(_double, 1, key="a"))

            self.print_cost(work, "a task that does nothing")


# -- tasks


def _double(number: int, context: TaskContext) -> int:
    reason = context.stop_reason()
    return -1 if reason else 2 * number


def _fail(context: TaskContext) -> float:
    return 1 / 0


def _count(number: int, context: TaskContext) -> None:
    for step in range(number):
        context.send(step)


def _slot(context: TaskContext) -> Slot:
    return context.slot


def _wait(context: TaskContext) -> str:
    context.send("begun")
    while (reason := context.stop_reason()) is None:
        time.sleep(0.02)
    return reason
