"""The observers of a run, and how its events reach them.

An observer that raises is reported once and disabled: no tracker can end a run.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from types import SimpleNamespace
from typing import Any

import pluggy

from .hookspecs import ObserverHooks, is_marked


class Observers:
    """The observers of one run. `observers.notify("on_step_end", run=run, step=3, scalars=None)`."""

    def __init__(self, observers: Mapping[str, object]) -> None:
        isolated = {name: self._isolated(name, observer) for name, observer in observers.items()}
        self._manager = hook_manager(isolated)

    def notify(self, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook of every observer, in their order.

        Returns:
            The answers that are not None; of a hook with `firstresult`, the first of them alone.
        """
        answer = getattr(self._manager.hook, hook)(**arguments)
        answers = answer if isinstance(answer, list) else [answer]
        return [answer for answer in answers if answer is not None]

    def _isolated(self, name: str, observer: object) -> SimpleNamespace:
        """The observer's hooks, each of which disables the observer in place of raising an error."""
        hooks = [name for name in dir(observer) if is_marked(observer, name)]
        return SimpleNamespace(**{hook: self._guarded(name, hook, getattr(observer, hook)) for hook in hooks})

    def _guarded(self, name: str, hook: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def guarded(*arguments: Any) -> Any:
            try:
                return method(*arguments)
            except Exception as error:
                self._manager.unregister(name=name)
                text = f"observer {name!r} failed in {hook} and was disabled: {type(error).__name__}: {error}"
                warnings.warn(text, RuntimeWarning, stacklevel=2)

        return guarded


def hook_manager(observers: Mapping[str, object]) -> pluggy.PluginManager:
    """One manager for all observers: a hook with `firstresult` stops at the first answer of any of them.

    Raises:
        pluggy.PluginValidationError: if a method is no hook, or takes an argument that the hook does not have.
    """
    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(ObserverHooks)
    for name, observer in reversed(list(observers.items())):  # pluggy calls the last that was registered first
        manager.register(observer, name)
    manager.check_pending()
    return manager
