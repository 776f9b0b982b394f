"""A run under way: from its start to its outcome, what it writes and what its observers hear of it."""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from toonlab.errors import DivergedError, ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.registry.observers import Observers
from toonlab.runs.directory import MetricsFile, write_outcome
from toonlab.types import Outcome, Run
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.signals import Interrupted, Signals

from . import checkpoint, profiling
from .evaluator import Evaluator, save_grid


@dataclass(kw_only=True)
class Life(ABC):
    """A run from its start, or from a checkpoint, to its end; what it does in between is `work`."""

    recipe: Recipe
    run: Run
    bench: Evaluator
    observers: Observers
    distributed: DistributedContext
    final: Evaluator | None = None

    def __post_init__(self) -> None:
        self.step, self.seconds_before = 0, 0.0
        self.metrics: Mapping[str, float] = {}
        self.photo: Mapping[str, float] = {}
        self.judge = self.bench
        self.costs: dict[str, float] = {}
        self.started = time.monotonic()
        self.first = self.distributed.rank == 0
        self.signals = Signals()

    @abstractmethod
    def work(self) -> str | None:
        """What the run is for; why it stopped early, or None."""

    @property
    def seconds(self) -> float:
        """Since the run began, without the time between its lives."""
        return round(self.seconds_before + time.monotonic() - self.started, 3)

    def go(self) -> Outcome:
        """Work to the end. The outcome is written and told however it ends; errors go on to the caller.

        Raises:
            Interrupted: after a signal, when everything is saved.
        """
        self.log = MetricsFile(self.run.directory / "metrics.jsonl", keep=self.step) if self.first else None
        self.tell("on_run_start")
        profiling.begin(self.distributed.device)
        try:
            with self.signals:
                reason = self.work()
                if not reason:
                    self.distributed.on_first(self.conclude)
        except KeyboardInterrupt:
            self.end("stopped", "interrupted")
            raise
        except OSError as error:
            whole = checkpoint.checkpoints(self.run.directory / "checkpoints")
            text = f"{error.filename or self.run.directory}: can't be written: {error.strerror or error}"
            text += f"; make room, and the same command goes on from {_named(whole)}"
            self.end("failed", text)
            raise ToonlabError(text) from error
        except BaseException as error:
            self.end("failed", str(error) if isinstance(error, DivergedError) else f"{type(error).__name__}: {error}")
            raise
        outcome = self.end("stopped" if reason else "finished", reason)
        if reason and self.signals.asked is not None:
            name, number = signal.Signals(self.signals.asked).name, self.signals.asked
            text = f"stopped by {name} at step {self.step} of {self.run.steps}; the same command goes on from there"
            raise Interrupted(number, text)
        return outcome

    def end(self, status: Any, reason: str | None) -> Outcome:
        found = (self.metrics, self.photo, self.judge.measured, self.costs)
        outcome = Outcome(status, self.step, self.seconds, reason, *found)
        if self.log:
            self.log.close()
            write_outcome(self.run.directory, outcome)
        self.tell("on_run_end", outcome=outcome)
        return outcome

    def conclude(self) -> None:
        """What a finished run is judged by: the weights that count, on the samples that are looked at once."""
        if (generator := self.chosen()) is not None:
            self.judge = self.final or self.bench
            self.metrics = self.judge.evaluate(generator.to(self.distributed.device), self.distributed.device)
            if self.log:
                self.log.write(self.step, "test" if self.final else "selected", self.metrics)
        self.photo = self.judge.photo()
        photos, device = [sample.photo for sample in self.judge.samples], self.distributed.device
        self.costs |= profiling.inference(self.model(), photos, device)
        self.costs["peak_memory_mib"] = profiling.peak_memory_mib(device)

    @abstractmethod
    def model(self) -> nn.Module:
        """The generator as it is now."""

    def chosen(self) -> nn.Module | None:
        """The generator to judge; None if the last evaluation has done that."""
        return None

    def tell(self, hook: str, **arguments: Any) -> list[Any]:
        return self.observers.tell(hook, run=self.run, **arguments) if self.first else []

    def measure(self, generator: nn.Module, pictures: Mapping[str, Path] | None = None) -> None:
        """Metrics and the sample grid of a generator; observers hear of them, and of other `pictures` beside them."""
        self.metrics = self.bench.evaluate(generator, self.distributed.device)
        fakes = list(self.bench.fakes(generator, self.distributed.device, count=self.recipe.evaluate.grid))
        images = dict(pictures or {})
        if fakes:
            images["samples"] = self.run.directory / "samples" / f"step-{self.step:08d}.png"
            save_grid(images["samples"], self.bench.rows(fakes, self.run.recipe_name))
        if self.log:
            self.log.write(self.step, "evaluation", self.metrics)
        self.tell("on_evaluation_end", step=self.step, metrics=self.metrics, images=images)


@dataclass(kw_only=True)
class Scoring(Life):
    """The run of a recipe that trains nothing: it is measured as it is."""

    generator: nn.Module

    def work(self) -> None:
        self.distributed.on_first(lambda: self.measure(self.generator))

    def model(self) -> nn.Module:
        return self.generator


def _named(whole: Sequence[Path]) -> str:
    return f"step {int(whole[-1].name.partition('-')[2])}" if whole else "the start"
