"""The training loop: steps, and after each what is due: logging, a checkpoint, an evaluation, an end."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from . import checkpoint, runs
from .build import enter, plan
from .data import Steps, batches
from .errors import DivergedError, ToonlabError
from .evaluate import Bench, save_grid
from .events import Observers, Outcome, Run
from .flow import Batch
from .gan import GAN, Phase, Scalars
from .overlay import fixed_batch, overlays
from .signals import Interrupted, Signals
from .specs import Recipe


@dataclass
class Training:
    """A run under way. `state` is the checkpoint that it goes on from, or None."""

    recipe: Recipe
    run: Run
    gan: GAN
    steps: Steps
    bench: Bench
    observers: Observers
    state: Mapping[str, Any] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step: int = self.state["step"] if self.state else 0
        self.seconds_before: float = self.state["seconds"] if self.state else 0.0
        self.started = time.monotonic()
        self.first = self.gan.world.rank == 0
        self.signals = Signals()

    @property
    def seconds(self) -> float:
        """Since the run began, without the time between its lives."""
        return round(self.seconds_before + time.monotonic() - self.started, 3)

    # -- a life, from its start to its outcome

    def go(self) -> Outcome:
        """Train to the end. The outcome is written and told however it ends; errors go on to the caller.

        Raises:
            Interrupted: after a signal, when everything is saved.
        """
        self.log = runs.MetricsFile(self.run.directory / "metrics.jsonl", keep=self.step) if self.first else None
        self.tell("on_run_start")
        try:
            with self.signals:
                reason = self.train()
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
        photo = self.bench.photo() if status == "finished" and self.first else {}
        outcome = Outcome(status, self.step, self.seconds, reason, self.metrics, photo)
        if self.log:
            self.log.close()
            runs.write_outcome(self.run.directory, outcome)
        self.tell("on_run_end", outcome=outcome)
        return outcome

    def tell(self, hook: str, **arguments: Any) -> list[Any]:
        return self.observers.tell(hook, run=self.run, **arguments) if self.first else []

    # -- steps

    def train(self) -> str | None:
        """Every stage's steps that are not done yet; why it stopped early, or None."""
        train, device = self.recipe.train, self.gan.world.device
        workers = _workers(device) if train.workers is None else train.workers
        data = batches(self.steps, self.step, self.run.steps, workers, device)
        for phase in self.phases():
            for number in range(max(phase.start, self.step), phase.stop):
                scalars = self.gan.step(phase, self.batch(next(data)), number)
                if reason := self.after(phase, number + 1, scalars):
                    return reason
        return None

    def phases(self) -> Iterator[Phase]:
        """The stages that are not done yet; all are entered, so that optimizers which a stage keeps are handed down."""
        phase = None
        for index, (_, start, stop) in enumerate(plan(self.recipe, self.steps.per_epoch)):
            phase = enter(self.gan, self.recipe, index, start, stop, phase)
            if self.state and start < self.step <= stop:
                checkpoint.restore(self.state, self.gan, phase)
                self.catch_up()
            if self.step < stop:
                yield phase

    def batch(self, batch: Batch) -> Batch:
        if not self.recipe.train.channels_last:
            return batch
        form = torch.channels_last
        return Batch(batch.photo.contiguous(memory_format=form), batch.cartoon.contiguous(memory_format=form))

    # -- after a step

    def after(self, phase: Phase, step: int, scalars: Scalars) -> str | None:
        """Log, save, evaluate; a reason to stop, or None."""
        self.step, train, last = step, self.recipe.train, step == self.run.steps
        logged = step % train.log_every == 0 or last or step == 1
        values = self.read(scalars) if logged else None
        self.tell("on_step_end", step=step, scalars=values)
        reason = self.reason(step, logged)
        if step % train.checkpoint_every == 0 or last or reason:
            self.save(phase)
        if self.evaluation_due:
            self.evaluate()
        return None if last else reason

    def read(self, scalars: Scalars) -> dict[str, float]:
        """The losses as numbers: the one place where the loop waits for the device."""
        if not scalars:  # nobody moved in this step
            return {}
        mean = self.gan.world.mean(torch.stack(list(scalars.values())).detach())
        numbers = dict(zip(scalars, mean.tolist(), strict=True))
        if wrong := [name for name, value in numbers.items() if not math.isfinite(value)]:
            raise DivergedError(f"diverged at step {self.step}: {', '.join(wrong)} is {numbers[wrong[0]]}")
        if self.log:
            self.log.write(self.step, "scalars", numbers)
        return numbers

    def reason(self, step: int, logged: bool) -> str | None:
        """Why to stop now: a signal, or what an observer says. Several processes agree on it when they log."""
        asked = f"signal {signal.Signals(self.signals.asked).name}" if self.signals.asked is not None else None
        reason = next(iter(self.tell("stop_reason", step=step)), asked)
        if self.gan.world.size == 1:
            return reason
        reasons = [self.gan.world.share(reason)] if logged else [None]
        return reasons[0]

    def save(self, phase: Phase) -> None:
        def write() -> None:
            state = {"step": self.step, "seconds": self.seconds, "identity": self.run.identity}
            state |= checkpoint.state_of(self.gan, phase)
            folder, keep = self.run.directory / "checkpoints", self.recipe.train.keep_checkpoints
            path = checkpoint.save(folder, state, checkpoint.trained(self.gan), self.recipe.tree, keep)
            self.tell("on_checkpoint", step=self.step, path=path)

        self.gan.world.on_first(write)

    # -- evaluation

    @property
    def evaluation_due(self) -> bool:
        return self.step % self.recipe.train.evaluate_every == 0 or self.step == self.run.steps

    def catch_up(self) -> None:
        """After a resume: an evaluation that was due at the checkpoint's step, but that a kill forestalled."""

        def read() -> dict[int, Mapping[str, float]]:
            lines = runs.read_metrics(self.run.directory / "metrics.jsonl")
            return {line["step"]: line["evaluation"] for line in lines if "evaluation" in line}

        evaluations = self.gan.world.on_first(read)
        if self.step in evaluations:
            self.metrics = evaluations[self.step]
        elif self.evaluation_due:
            self.evaluate()

    def evaluate(self) -> None:
        self.gan.world.on_first(self.measure)

    @cached_property
    def fixed(self) -> Batch:
        """The photos and cartoons on which the patch critics' choices are shown."""
        batch = fixed_batch(self.steps.photos.images, self.steps.cartoons.images, self.recipe.train.size)
        return Batch(batch.photo.to(self.gan.world.device), batch.cartoon.to(self.gan.world.device))

    def measure(self) -> None:
        """Metrics, the sample grid, and what each patch critic looks at."""
        generator, device = checkpoint.trained(self.gan), self.gan.world.device
        self.metrics = self.bench.evaluate(generator, device)
        fakes = list(self.bench.fakes(generator, device, count=self.recipe.evaluate.grid))
        folder = self.run.directory / "samples"
        images = overlays(self.gan, generator, self.fixed, self.step, folder)
        if fakes:
            images["samples"] = folder / f"step-{self.step:08d}.png"
            save_grid(images["samples"], self.bench.rows(fakes, self.run.recipe_name))
        if self.log:
            self.log.write(self.step, "evaluation", self.metrics)
        self.tell("on_evaluation_end", step=self.step, metrics=self.metrics, images=images)


def _named(whole: Sequence[Path]) -> str:
    return f"step {int(whole[-1].name.partition('-')[2])}" if whole else "the start"


def _workers(device: torch.device) -> int:
    """On a GPU, as many processes as keep it fed; beside training on a CPU they would only take its cores."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
