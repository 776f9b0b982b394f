"""Observers: one manager for all of them, and an error disables only the observer that raised it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pluggy
import pytest

from toonlab import Run, hookimpl
from toonlab.registry.observers import Observers, hook_manager

RUN = Run(Path("runs"), "study", "small", 0, "0" * 16, {}, 4)


class Named:
    """Answers with its name, and keeps a list of its calls."""

    def __init__(self, name: str, calls: list[str], *, silent: bool = False) -> None:
        self.name, self.calls, self.silent = name, calls, silent

    @hookimpl
    def where_to_look(self, run: Run) -> str | None:
        return self._answer()

    @hookimpl
    def stop_reason(self, step: int) -> str | None:
        return self._answer()

    def _answer(self) -> str | None:
        self.calls.append(self.name)
        return None if self.silent else self.name


class Broken:
    def __init__(self) -> None:
        self.calls = 0

    @hookimpl
    def on_step_end(self, step: int) -> None:
        self.calls += 1
        raise OSError("no such server")

    @hookimpl
    def where_to_look(self) -> str:
        return "nowhere"


def test_observers_are_called_in_their_order() -> None:
    calls: list[str] = []
    observers = Observers({name: Named(name, calls, silent=name == "b") for name in "abc"})
    assert observers.notify("where_to_look", run=RUN) == ["a", "c"]
    assert calls == ["a", "b", "c"]


def test_the_first_reason_to_stop_counts_across_observers() -> None:
    calls: list[str] = []
    observers = Observers({name: Named(name, calls, silent=name == "a") for name in "abc"})
    assert observers.notify("stop_reason", run=RUN, step=3) == ["b"]
    assert calls == ["a", "b"], "c is asked although b has answered"


def test_an_observer_that_raises_is_reported_once_and_disabled() -> None:
    broken, calls = Broken(), list[str]()
    observers = Observers({"a": Named("a", calls), "broken": broken, "b": Named("b", calls)})
    message = "observer 'broken' failed in on_step_end and was disabled: OSError: no such server"
    with pytest.warns(RuntimeWarning) as caught:
        observers.notify("on_step_end", run=RUN, step=1, scalars=None)
    assert [str(one.message) for one in caught] == [message]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        observers.notify("on_step_end", run=RUN, step=2, scalars=None)
    assert broken.calls == 1
    assert observers.notify("where_to_look", run=RUN) == ["a", "b"]


def test_an_error_does_not_keep_the_others_from_their_call() -> None:
    order: list[str] = []

    class Last:
        @hookimpl
        def on_step_end(self, step: int) -> None:
            order.append(f"last {step}")

    observers = Observers({"broken": Broken(), "last": Last()})
    with pytest.warns(RuntimeWarning, match="was disabled"):
        observers.notify("on_step_end", run=RUN, step=1, scalars=None)
    assert order == ["last 1"]


def test_an_interrupt_is_no_error_of_an_observer() -> None:
    class Interrupting:
        @hookimpl
        def on_step_end(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Observers({"x": Interrupting()}).notify("on_step_end", run=RUN, step=1, scalars=None)


class WrongName:
    @hookimpl
    def on_step_ended(self) -> None: ...


class WrongArgument:
    @hookimpl
    def on_step_end(self, loss: float) -> None: ...


@pytest.mark.parametrize("make", [Observers, hook_manager])
@pytest.mark.parametrize(
    ("observer", "text"), [(WrongName(), "unknown hook 'on_step_ended'"), (WrongArgument(), "'loss'")]
)
def test_methods_that_do_not_fit_the_hooks_are_refused(make: Any, observer: object, text: str) -> None:
    with pytest.raises(pluggy.PluginValidationError, match=text):
        make({"x": observer})
