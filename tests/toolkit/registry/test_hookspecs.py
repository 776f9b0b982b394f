"""Each kind of part has a hook to register it, and observers' hooks have the arguments that they are called with."""

from __future__ import annotations

import pluggy
import pytest

from toonlab.registry.hookspecs import ObserverHooks, RegistrationHooks, hookimpl
from toonlab.registry.protocols import KINDS


def names(hooks: type) -> set[str]:
    return {name for name in vars(hooks) if not name.startswith("_")}


def test_there_is_a_hook_for_every_kind_of_part() -> None:
    assert names(RegistrationHooks) == {f"register_{kind}" for kind in KINDS}


def test_a_plugin_and_an_observer_share_no_hook() -> None:
    assert not names(RegistrationHooks) & names(ObserverHooks)


def test_an_implementation_takes_the_arguments_that_it_needs_and_no_others() -> None:
    class Fits:
        @hookimpl
        def on_step_end(self, step: int) -> None:
            self.step = step

    class Invents:
        @hookimpl
        def on_step_end(self, epoch: int) -> None: ...

    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(ObserverHooks)
    manager.register(fits := Fits())
    manager.hook.on_step_end(run=None, step=3, scalars=None)
    assert fits.step == 3
    with pytest.raises(pluggy.PluginValidationError, match="epoch"):
        manager.register(Invents())


def test_the_first_reason_to_stop_ends_the_call() -> None:
    class Stops:
        @hookimpl
        def stop_reason(self) -> str:
            return "enough"

    class Fails:
        @hookimpl
        def stop_reason(self) -> str:
            raise AssertionError("called after an answer")

    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(ObserverHooks)
    manager.register(Fails())
    manager.register(Stops())  # pluggy calls the last one first
    assert manager.hook.stop_reason(run=None, step=1) == "enough"
