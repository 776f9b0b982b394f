"""The executor of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from tasks import count, divide, place, until_stopped

from toonlab_executors.local import LocalExecutor


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(jobs=2, device="cpu") as executor:
        yield executor


def test_results_messages_and_errors_come_back(executor: LocalExecutor) -> None:
    seen: list[int] = []
    assert executor.submit(count, 3, key="a", on_message=seen.append).result() == 3
    assert seen == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        executor.submit(divide, 0, key="b").result()
    assert executor.submit(divide, 2, key="b").result() == 0.5


def test_a_task_is_stopped_by_its_key(executor: LocalExecutor) -> None:
    begun: list[str] = []
    tasks: list[Future[str]] = [executor.submit(until_stopped, key=key, on_message=begun.append) for key in "ab"]
    while len(begun) < 2:
        time.sleep(0.01)
    executor.stop("a", "pruned")
    assert tasks[0].result() == "pruned"
    assert not tasks[1].done()
    executor.stop("b", "enough")
    assert tasks[1].result() == "enough"


def test_a_key_that_was_stopped_may_be_used_again(executor: LocalExecutor) -> None:
    executor.stop("a", "pruned")
    assert executor.submit(count, 1, key="a").result() == 1


def test_each_task_has_one_of_the_slots(executor: LocalExecutor) -> None:
    hosts = {executor.submit(place, key=str(number)).result()[:2] for number in range(4)}
    assert hosts == {(executor.slots[0].host, executor.slots[0].threads)}
