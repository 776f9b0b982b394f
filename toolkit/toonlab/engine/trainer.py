"""The training loop: steps, and after each what is due: a log line, a checkpoint, an evaluation, a stop."""

import math
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from toonlab.errors import DivergedError, ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.runs.directory import read_metrics
from toonlab.types import Batch, Outcome
from toonlab.utils.rng import seeded

from . import checkpoint
from .data import Steps, batches
from .evaluator import Evaluation, Evaluator
from .gan import GAN, ActiveStage, Scalars
from .pictures import fixed_batch, overlays
from .profiling import Stopwatch
from .record import RunRecord
from .stages import enter, plan


@dataclass
class Trainer:
    """Trains a GAN from its start, or from the newest complete checkpoint of the run's directory, to its end.

    `evaluator` measures the generator during the training. `test_evaluator` measures it once, at the end, on samples
    that no decision was based on; None if the data have no such samples. `audit_evaluator` measures these at every
    evaluation, where the recipe asks for it; nothing is decided by it.
    """

    recipe: Recipe
    gan: GAN
    steps: Steps
    record: RunRecord
    evaluator: Evaluator
    test_evaluator: Evaluator | None = None
    audit_evaluator: Evaluator | None = None

    def __post_init__(self) -> None:
        self.distributed, self.directory = self.record.distributed, self.record.run.directory
        self.stopwatch = Stopwatch(self.distributed.device)
        self.last_evaluation: Evaluation | None = None
        self.state = checkpoint.latest_state(self.directory / "checkpoints", self.record.run.identity)
        if self.state:
            self.record.step, self.record.seconds_before = self.state["step"], self.state["seconds"]
            self.record.lines_before = self.state["lines"]
            if self.record.step > self.record.run.steps:
                raise ToonlabError(
                    f"{self.state_path}: is of a step after the last, {self.record.run.steps}; remove it"
                )

    def run(self) -> Outcome:
        """Train, evaluate the final weights, and write the outcome; an error or a stop has an outcome, too.

        Raises:
            Interrupted: after a signal, when everything is saved.
        """
        with self.record.recording():
            stop_reason = self.train()
            if stop_reason is None:
                self.distributed.on_first(self.finish)
        return self.record.complete(stop_reason)

    def train(self) -> str | None:
        """All steps that are not done yet, stage by stage; the reason to stop early, or None."""
        train, device = self.recipe.train, self.distributed.device
        data = batches(self.steps, self.record.step, self.record.run.steps, train.workers, device)
        for stage in self.remaining_stages():
            for number in range(max(stage.start, self.record.step), stage.stop):
                batch = self.next_batch(data, stage)
                with seeded(train.seed, "step", number, self.distributed.rank, cuda=device.type == "cuda"):  # dropout
                    scalars = self.gan.step(stage, batch, number)
                self.record.step = number + 1
                if stop_reason := self.after_step(stage, scalars):
                    return stop_reason
        if (seconds := self.stopwatch.seconds_per_step) is not None:
            self.record.costs["seconds_per_step"] = seconds
        return None

    def next_batch(self, data: Iterator[Batch], stage: ActiveStage) -> Batch:
        """The next batch; if the data fail, the steps so far are saved first.

        Raises:
            ToonlabError: if the data fail.
        """
        try:
            return next(data)
        except ToonlabError as error:
            if self.record.step == 0:
                raise
            if self.distributed.rank == 0 and self.record.step > (self.state["step"] if self.state else 0):
                self.save(stage)
            text = f"{error}; the same command continues from step {self.record.step}"
            raise ToonlabError(text) from error

    def after_step(self, stage: ActiveStage, scalars: Scalars) -> str | None:
        """Log, save and evaluate if they are due; a reason to stop, or None."""
        train, last = self.recipe.train, self.record.step == self.record.run.steps
        logged = self.is_due(train.log_every) or self.record.step == 1
        values = self.log_losses(scalars) if logged else None
        self.record.notify("on_step_end", step=self.record.step, scalars=values)
        stop_reason = self.stop_reason(logged)
        self.stopwatch.step()
        save = self.is_due(train.checkpoint_every) or stop_reason is not None
        if save or self.is_due(train.evaluate_every):
            self.stopwatch.pause()
            if save:
                self.distributed.on_first(lambda: self.save(stage))
            if self.is_due(train.evaluate_every):
                self.distributed.on_first(self.evaluate)
            self.stopwatch.resume()
        return None if last else stop_reason

    def is_due(self, every: int) -> bool:
        """Whether something that happens every so many steps, and at the last one, happens at this step."""
        return self.record.step % every == 0 or self.record.step == self.record.run.steps

    def log_losses(self, scalars: Scalars) -> dict[str, float]:
        """The losses as numbers, the mean over all processes; only here the loop waits for the device.

        Raises:
            DivergedError: if one is not finite.
        """
        if not scalars:  # neither the generator nor a critic was updated in this step
            return {}
        mean = self.distributed.mean(torch.stack(list(scalars.values())).detach())
        losses = dict(zip(scalars, mean.tolist(), strict=True))
        if wrong := [name for name, value in losses.items() if not math.isfinite(value)]:
            verb = "is" if len(wrong) == 1 else "are"
            raise DivergedError(f"diverged at step {self.record.step}: {', '.join(wrong)} {verb} {losses[wrong[0]]}")
        self.record.log("scalars", losses)
        return losses

    def stop_reason(self, logged: bool) -> str | None:
        """An observer's reason to stop now, or a signal; several processes agree on it at steps that are logged."""
        received = self.record.signals.asked
        reason = f"signal {signal.Signals(received).name}" if received is not None else None
        reason = next(iter(self.record.notify("stop_reason", step=self.record.step)), reason)
        if self.distributed.size == 1:
            return reason
        return self.distributed.share(reason) if logged else None

    def save(self, stage: ActiveStage) -> None:
        """Write a checkpoint.

        Raises:
            DivergedError: if a weight is not finite.
        """
        record, keep = self.record, self.recipe.train.keep_checkpoints
        record.check_directory()
        state = {"step": record.step, "seconds": record.seconds, "identity": record.run.identity, "lines": record.lines}
        state |= checkpoint.state_of(self.gan, stage)
        path = checkpoint.save(self.directory / "checkpoints", state, self.gan.trained, self.recipe.tree, keep)
        record.notify("on_checkpoint", step=record.step, path=path)

    def evaluate(self) -> None:
        """Metrics, the sample grid and the patch critics' regions; the weights are kept if they are the best so far."""
        step, select, earlier = self.record.step, self.recipe.train.select, self.logged_evaluations()
        generator, generators, device = self.gan.trained, self.gan.trained_generators, self.distributed.device
        images = overlays(self.gan, generator, self.fixed_batch, step, self.directory / "samples")
        keep = self.recipe.evaluate.grid
        evaluation = self.evaluator.evaluate(generator, device, keep=keep, generators=generators)
        if select in self.evaluator.metrics:
            value, higher = evaluation.metrics.get(select), self.evaluator.metrics[select].higher_is_better
            if is_best(value, earlier.values(), select, higher_is_better=higher):
                further = generators if self.evaluator.needs_generators else {}
                checkpoint.keep_best(self.directory / "best", step, generator, self.recipe.tree, further)
        audit = self.audit_evaluator
        more = {"audit": audit.evaluate(generator, device, generators=generators).metrics} if audit else {}
        # after the weights: a run that is killed in between evaluates this step again
        self.record.add_evaluation(self.evaluator, evaluation, images, **more)
        self.last_evaluation = evaluation

    def finish(self) -> None:
        """Evaluate the weights that count on the samples that results are reported on; complete the results."""
        device, evaluation = self.distributed.device, self.last_evaluation
        evaluator = self.test_evaluator or self.evaluator
        best = checkpoint.best_generator(self.recipe, self.directory, evaluator.catalogue)
        generator, generators = self.gan.trained if best is None else best.to(device), self.gan.trained_generators
        if best is not None and evaluator.needs_generators:
            checkpoint.load_best(self.directory, generators)
        other = best is not None or self.test_evaluator is not None  # than the last evaluation's weights or samples
        if other or evaluation is None:
            keep = self.recipe.evaluate.grid
            evaluation = evaluator.evaluate(generator, device, keep=keep, generators=generators)
        if other:
            self.record.log("test" if self.test_evaluator else "selected", evaluation.metrics)
        self.record.add_results(self.recipe, evaluator, generator, evaluation)

    # -- the state of the training

    def remaining_stages(self) -> Iterator[ActiveStage]:
        """The stages that are not done yet; done ones are entered, too, since a stage may keep their optimizers."""
        stage = None
        for index, (_, start, stop) in enumerate(plan(self.recipe, self.steps.per_epoch)):
            stage = enter(self.gan, self.recipe, index, start, stop, stage)
            if self.state and start < self.record.step <= stop:
                self.restore(self.state, stage)
                self.make_up_evaluation()
            if self.record.step < stop:
                yield stage

    def restore(self, state: Mapping[str, Any], stage: ActiveStage) -> None:
        """Load the state of the checkpoint.

        Raises:
            ToonlabError: if it does not fit.
        """
        try:
            checkpoint.restore(state, self.gan, stage)
        except Exception as error:  # of torch, or of a plugin's part
            text = f"{self.state_path}: doesn't fit this recipe; remove it to resume from the one before"
            raise ToonlabError(f"{text}: {type(error).__name__}: {' '.join(str(error).split())}") from error

    @property
    def state_path(self) -> Path:
        """The file that `state` was read from."""
        return self.directory / "checkpoints" / f"step-{self.record.step:08d}" / checkpoint.STATE

    def make_up_evaluation(self) -> None:
        """After a resume: the evaluation at the checkpoint's step, if the run was killed before it ended."""
        evaluations = self.distributed.on_first(self.logged_evaluations)
        if self.record.step in evaluations:
            self.record.metrics = evaluations[self.record.step]
        elif self.is_due(self.recipe.train.evaluate_every):
            self.distributed.on_first(self.evaluate)

    def logged_evaluations(self) -> dict[int, Mapping[str, float]]:
        """The metrics in the metrics file, by step."""
        lines = read_metrics(self.directory / "metrics.jsonl")
        return {line["step"]: line["evaluation"] for line in lines if "evaluation" in line}

    @cached_property
    def fixed_batch(self) -> Batch:
        """The photos and cartoons on which the patch critics' regions are shown."""
        batch = fixed_batch(self.steps.photos.images, self.steps.cartoons.images, self.recipe.train.size)
        return Batch(batch.photo.to(self.distributed.device), batch.cartoon.to(self.distributed.device))


def is_best(
    value: float | None, earlier: Iterable[Mapping[str, float]], metric: str, *, higher_is_better: bool
) -> bool:
    """Whether a metric's value is better than in all earlier evaluations; a tie is not."""
    sign = 1 if higher_is_better else -1
    values = [metrics[metric] for metrics in earlier if metric in metrics]
    return value is not None and all(sign * value > sign * other for other in values)
