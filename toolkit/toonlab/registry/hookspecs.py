"""The hooks. A plugin is a module (or any object) with functions marked `@hookimpl` and named as below."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from toonlab.types import Outcome, Run

    from .executors import ExecutorFactory
    from .protocols import (
        DatasetFactory,
        DiscriminatorFactory,
        DiscriminatorLossFactory,
        FeaturesFactory,
        GeneratorFactory,
        GeneratorLossFactory,
        MetricFactory,
        ObjectiveFactory,
        ObserverFactory,
        PostprocessorFactory,
        RepresentationFactory,
        SamplerFactory,
    )

hookspec = HookspecMarker("toonlab")
hookimpl = HookimplMarker("toonlab")


class RegistrationHooks(Protocol):
    """What a plugin offers: public name -> factory. The factory's signature is its configuration schema."""

    @hookspec
    def register_samplers(self) -> Mapping[str, SamplerFactory]:
        """Choose the regions that a critic looks at: `(Views) -> Views`."""

    @hookspec
    def register_representations(self) -> Mapping[str, RepresentationFactory]:
        """Change what a critic sees there: `(Views) -> Views`."""

    @hookspec
    def register_discriminators(self) -> Mapping[str, DiscriminatorFactory]:
        """Networks, view -> logits; the factory takes `in_channels`, which the engine fills in."""

    @hookspec
    def register_generators(self) -> Mapping[str, GeneratorFactory]:
        """Networks, photo -> cartoon, `(B, 3, H, W)` in [-1, 1].

        Attributes `side_multiple` and `side_minimum` say which sides fit: photos are padded to them. A class with
        `floor = True` makes pictures that every method has to surpass, before a comparison says anything else of it.
        """

    @hookspec
    def register_objectives(self) -> Mapping[str, ObjectiveFactory]:
        """Adversarial objectives: `toonlab.Objective` with `real`, `fake`, `generator`, perhaps `critic`."""

    @hookspec
    def register_discriminator_losses(self) -> Mapping[str, DiscriminatorLossFactory]:
        """Further losses of a critic: `(critic, views, logits) -> scalar`."""

    @hookspec
    def register_generator_losses(self) -> Mapping[str, GeneratorLossFactory]:
        """Losses of the generator: `(step) -> scalar`."""

    @hookspec
    def register_features(self) -> Mapping[str, FeaturesFactory]:
        """Fixed feature extractors: `(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)`."""

    @hookspec
    def register_datasets(self) -> Mapping[str, DatasetFactory]:
        """Photos and cartoons to train on, samples to evaluate on: `toonlab.Dataset`."""

    @hookspec
    def register_metrics(self) -> Mapping[str, MetricFactory]:
        """Measurements over evaluation samples: `toonlab.Metric`."""

    @hookspec
    def register_postprocessors(self) -> Mapping[str, PostprocessorFactory]:
        """Last touches to finished fakes, outside of training: `(fake, photo) -> picture`, `(H, W, 3)` uint8 RGB."""

    @hookspec
    def register_observers(self) -> Mapping[str, ObserverFactory]:
        """Objects whose methods, marked `@hookimpl`, are the hooks of `ObserverHooks`."""

    @hookspec
    def register_executors(self) -> Mapping[str, ExecutorFactory]:
        """Run the cells of studies, on this machine or on many: `toonlab.Executor`."""


class ObserverHooks(Protocol):
    """What an observer may hear, on rank 0. An implementation takes the arguments that it needs."""

    @hookspec
    def on_run_start(self, run: Run) -> None:
        """A run begins or is resumed; its directory exists."""

    @hookspec
    def on_step_end(self, run: Run, step: int, scalars: Mapping[str, float] | None) -> None:
        """A step has ended; `scalars` only on the steps that are logged."""

    @hookspec
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float], images: Mapping[str, Path]) -> None:
        """An evaluation has ended; `images` are the sample grids, written as PNG files."""

    @hookspec
    def on_checkpoint(self, run: Run, step: int, path: Path) -> None:
        """A checkpoint is complete on the disk."""

    @hookspec
    def on_run_end(self, run: Run, outcome: Outcome) -> None:
        """A run has ended, also after an error; `outcome.json` is written."""

    @hookspec
    def sync(self, run: Run, outcome: Outcome | None) -> str | None:
        """Complete what you recorded of a run from its directory (`toonlab sync`); one line about what was done.

        `outcome` is None while the run has not ended. Raise a `ToonlabError` if it can't be done now.
        """

    @hookspec
    def on_report(self, run: Run, path: Path) -> None:
        """A report was written on the study that a run is part of (`run.environment["study"]`)."""

    @hookspec
    def where_to_look(self, run: Run) -> str | None:
        """One line that tells people where to see what the observer recorded of a run, printed when it has ended."""

    @hookspec(firstresult=True)
    def stop_reason(self, run: Run, step: int) -> str | None:
        """Say why the run should stop now, or nothing; the first answer counts, on all ranks."""


REGISTRATION_HOOKS, OBSERVER_HOOKS = (
    tuple(name for name in vars(hooks) if not name.startswith("_")) for hooks in (RegistrationHooks, ObserverHooks)
)


def is_marked(owner: object, name: str) -> bool:
    """Whether an attribute is marked with `@hookimpl`; one that can't be read is not."""
    with suppress(Exception):
        return isinstance(getattr(getattr(owner, name), "toonlab_impl", None), dict)
    return False
