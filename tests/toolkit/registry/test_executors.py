"""The contract of executors, of which this machine's is the example."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import FrozenInstanceError

import pytest

from toonlab import Slot, ToonlabError, UnfitSlotError, discover
from toonlab.registry.executors import Executor


def test_slots_are_equal_where_they_share_a_device() -> None:
    assert Slot("here", "cuda", ("0",), 2) == Slot("here", "cuda", ("0",), 2)
    assert len({Slot("here"), Slot("here"), Slot("there")}) == 2
    with pytest.raises(FrozenInstanceError):
        Slot("here").host = "there"  # type: ignore[misc]


def test_a_slot_that_does_not_fit_is_no_traceback() -> None:
    assert issubclass(UnfitSlotError, ToonlabError)


def test_the_executor_of_this_machine_keeps_the_contract() -> None:
    executor: Executor = discover().make("executors", "local", device="cpu")
    with executor as entered:
        assert entered is executor
        task = executor.submit(_slot_of, key="a")
        assert isinstance(task, Future)
        assert task.result() == executor.slots[0]


def _slot_of(context: object) -> object:
    return context.slot  # type: ignore[attr-defined]
