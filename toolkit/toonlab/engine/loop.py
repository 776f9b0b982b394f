"""The training loop: steps, and after each what is due: logging, a checkpoint, an evaluation, an end."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from toonlab.errors import DivergedError
from toonlab.runs.directory import read_metrics
from toonlab.types import Batch

from . import checkpoint
from .builder import enter, plan
from .data import Steps, batches
from .gan import GAN, ActiveStage, Scalars
from .overlays import fixed_batch, overlays
from .profiling import Stopwatch
from .trainer import Life


@dataclass(kw_only=True)
class Training(Life):
    """A training under way: from the start, or on from the newest whole checkpoint in its directory."""

    gan: GAN
    steps: Steps

    def __post_init__(self) -> None:
        super().__post_init__()
        self.state = checkpoint.latest_state(self.run.directory / "checkpoints", self.run.identity)
        self.stopwatch = Stopwatch(self.distributed.device)
        if self.state:
            self.step, self.seconds_before = self.state["step"], self.state["seconds"]

    # -- steps

    def work(self) -> str | None:
        """Every stage's steps that are not done yet; why it stopped early, or None."""
        train, device = self.recipe.train, self.distributed.device
        workers = _workers(device) if train.workers is None else train.workers
        data = batches(self.steps, self.step, self.run.steps, workers, device)
        for stage in self.phases():
            for number in range(max(stage.start, self.step), stage.stop):
                scalars = self.gan.step(stage, self.batch(next(data)), number)
                if reason := self.after(stage, number + 1, scalars):
                    return reason
        if (seconds := self.stopwatch.seconds_per_step) is not None:
            self.costs["seconds_per_step"] = seconds
        return None

    def phases(self) -> Iterator[ActiveStage]:
        """The stages that are not done yet; all are entered, so that optimizers which a stage keeps are handed down."""
        stage = None
        for index, (_, start, stop) in enumerate(plan(self.recipe, self.steps.per_epoch)):
            stage = enter(self.gan, self.recipe, index, start, stop, stage)
            if self.state and start < self.step <= stop:
                checkpoint.restore(self.state, self.gan, stage)
                self.catch_up()
            if self.step < stop:
                yield stage

    def batch(self, batch: Batch) -> Batch:
        if not self.recipe.train.channels_last:
            return batch
        form = torch.channels_last
        return Batch(batch.photo.contiguous(memory_format=form), batch.cartoon.contiguous(memory_format=form))

    # -- after a step

    def after(self, stage: ActiveStage, step: int, scalars: Scalars) -> str | None:
        """Log, save, evaluate; a reason to stop, or None."""
        self.step, train, last = step, self.recipe.train, step == self.run.steps
        logged = step % train.log_every == 0 or last or step == 1
        values = self.read(scalars) if logged else None
        self.tell("on_step_end", step=step, scalars=values)
        reason = self.reason(step, logged)
        self.stopwatch.step()
        save = step % train.checkpoint_every == 0 or last or reason is not None
        if save or self.evaluation_due:
            self.stopwatch.pause()
            if save:
                self.save(stage)
            if self.evaluation_due:
                self.evaluate()
            self.stopwatch.go_on()
        return None if last else reason

    def read(self, scalars: Scalars) -> dict[str, float]:
        """The losses as numbers: the one place where the loop waits for the device."""
        if not scalars:  # nobody moved in this step
            return {}
        mean = self.distributed.mean(torch.stack(list(scalars.values())).detach())
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
        if self.distributed.size == 1:
            return reason
        reasons = [self.distributed.share(reason)] if logged else [None]
        return reasons[0]

    def save(self, stage: ActiveStage) -> None:
        def write() -> None:
            state = {"step": self.step, "seconds": self.seconds, "identity": self.run.identity}
            state |= checkpoint.state_of(self.gan, stage)
            folder, keep = self.run.directory / "checkpoints", self.recipe.train.keep_checkpoints
            path = checkpoint.save(folder, state, checkpoint.trained(self.gan), self.recipe.tree, keep)
            self.tell("on_checkpoint", step=self.step, path=path)

        self.distributed.on_first(write)

    # -- evaluation

    @property
    def evaluation_due(self) -> bool:
        return self.step % self.recipe.train.evaluate_every == 0 or self.step == self.run.steps

    def catch_up(self) -> None:
        """After a resume: an evaluation that was due at the checkpoint's step, but that a kill forestalled."""

        evaluations = self.distributed.on_first(self.evaluations)
        if self.step in evaluations:
            self.metrics = evaluations[self.step]
        elif self.evaluation_due:
            self.evaluate()

    def evaluations(self) -> dict[int, Mapping[str, float]]:
        """Those that are written down, by step."""
        lines = read_metrics(self.run.directory / "metrics.jsonl")
        return {line["step"]: line["evaluation"] for line in lines if "evaluation" in line}

    def evaluate(self) -> None:
        self.distributed.on_first(self.show)

    @cached_property
    def fixed(self) -> Batch:
        """The photos and cartoons on which the patch critics' choices are shown."""
        batch = fixed_batch(self.steps.photos.images, self.steps.cartoons.images, self.recipe.train.size)
        return Batch(batch.photo.to(self.distributed.device), batch.cartoon.to(self.distributed.device))

    def show(self) -> None:
        """Metrics, the sample grid, and what each patch critic looks at; the weights, if they are the best so far."""
        generator = self.model()
        earlier = self.evaluations()
        self.measure(generator, overlays(self.gan, generator, self.fixed, self.step, self.run.directory / "samples"))
        if self.leads(earlier):
            checkpoint.keep_best(self.run.directory / "best", self.step, generator, self.recipe.tree)

    def leads(self, earlier: Mapping[int, Mapping[str, float]]) -> bool:
        """Whether this evaluation is the best by the metric that selects, if there is one."""
        name = self.recipe.train.select
        if name == "last" or name not in self.metrics:
            return False
        sign = 1 if self.bench.metrics[name].higher_is_better else -1
        return all(sign * self.metrics[name] > sign * metrics[name] for metrics in earlier.values())

    def model(self) -> nn.Module:
        return checkpoint.trained(self.gan)

    def chosen(self) -> nn.Module | None:
        best = checkpoint.candidates(self.run.directory) if (self.run.directory / "best").is_dir() else []
        if self.recipe.train.select != "last" and best:
            return checkpoint.load_generator(best[-1], self.bench.catalogue)
        return self.model() if self.final else None


def _workers(device: torch.device) -> int:
    """On a GPU, as many processes as keep it fed; beside training on a CPU they would only take its cores."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
