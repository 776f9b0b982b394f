"""A run as its observers see it, and the bus that tells them what happens.

An observer that raises is reported once and dropped: no tracker can end a run.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from .hookspecs import ObserverHooks

if TYPE_CHECKING:
    from .catalogue import Catalogue


@dataclass(frozen=True)
class Run:
    """One recipe's training (or a finished one), as observers and reports see it.

    `directory` is `<root>/<experiment>/<recipe>-s<seed>-<hash8>`; `recipe` is fully resolved; `steps` is the total
    that is planned; `environment` says what it runs on.
    """

    root: Path
    experiment: str
    recipe_name: str
    seed: int
    identity: str
    recipe: Mapping[str, Any]
    steps: int
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a person calls the run: `ctss-s0-1a2b3c4d`."""
        return f"{self.recipe_name}-s{self.seed}-{self.identity[:8]}"

    @property
    def directory(self) -> Path:
        return self.root / self.experiment / self.name


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `finished`, `failed` or `stopped`, why, the last evaluation's metrics, and the photos' own.

    `measured` tells how each metric measured: number and size of the pictures, resizer, hash of the weights. `costs`
    are those of `costs.COSTS` that could be measured.
    """

    status: Literal["finished", "failed", "stopped"]
    step: int
    seconds: float
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    photo: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Observers:
    """The observers of one run. `observers.tell("on_step_end", run=run, step=3, scalars=None)`."""

    def __init__(self, observers: Mapping[str, object]) -> None:
        self._managers = {name: _manager(name, observer) for name, observer in observers.items()}

    def tell(self, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook of every observer; returns their answers, without those that are None."""
        answers = []
        for name, manager in list(self._managers.items()):
            try:
                answer = getattr(manager.hook, hook)(**arguments)
                answers += answer if isinstance(answer, list) else [answer]
            except Exception as error:  # whatever an observer does wrong, the run goes on
                del self._managers[name]
                message = f"observer {name!r} failed in {hook} and hears no more: {type(error).__name__}: {error}"
                warnings.warn(message, RuntimeWarning, stacklevel=2)
        return [answer for answer in answers if answer is not None]


def with_tracking_uri(
    parameters: Mapping[str, Any], use: str, catalogue: Catalogue, tracking_uri: str | None
) -> Mapping[str, Any]:
    """An observer's parameters with `tracking_uri` in place of its own, where the observer has such a parameter."""
    if not tracking_uri or "tracking_uri" not in catalogue.get("observers", use).schema.parameters:
        return parameters
    return {**parameters, "tracking_uri": tracking_uri}


def _manager(name: str, observer: object) -> pluggy.PluginManager:
    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(ObserverHooks)
    manager.register(observer, name)
    manager.check_pending()
    return manager
