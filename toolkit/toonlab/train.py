"""Train one recipe: the run directory, the loop, its evaluations and checkpoints, and how it ends."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from . import checkpoint, runs
from .build import build, enter, plan
from .data import Steps, batches
from .errors import DivergedError, ToonlabError
from .evaluate import Bench, save_grid
from .events import Observers, Outcome, Run
from .gan import GAN, Phase, Scalars
from .parts import Dataset
from .plugins import Catalogue
from .specs import Recipe


@dataclass(frozen=True)
class Trained:
    """A run and how it ended; `again` if it had finished before and was not trained anew."""

    run: Run
    outcome: Outcome
    again: bool = False


def train(
    recipe: Recipe,
    catalogue: Catalogue,
    root: Path = Path("runs"),
    experiment: str | None = None,
    device: str = "auto",
    command: str | None = None,
) -> Trained:
    """Train a recipe to its end, or return what a finished run of the same identity left.

    Args:
        recipe: what to train.
        root: the folder of all runs.
        experiment: the folder within; the recipe's name where not given.
        device: `auto` (a GPU where there is one), or any torch device.
        command: what the environment file says was typed.

    Raises:
        RecipeError: if something does not fit, before anything is written.
        DivergedError: if a loss is no longer a finite number; the outcome says so too.
    """
    where = pick_device(device)
    dataset: Dataset = recipe.data.make(catalogue)
    what = runs.identity(recipe, catalogue, dataset.manifest())
    run = Run(root, experiment or recipe.name, recipe.name, recipe.train.seed, runs.digest(what), recipe.tree, 0)
    outcome = runs.read_outcome(run.directory)
    if outcome and outcome.status == "finished":
        return Trained(run, outcome, again=True)
    steps = Steps(*dataset.train(), recipe.train)
    gan = build(recipe, catalogue, where)
    bench = Bench(dataset.evaluation(), recipe.evaluate.metrics, catalogue, recipe.evaluate.samples)
    stages = plan(recipe, steps.per_epoch)
    run = replace(run, steps=stages[-1][2], environment=runs.environment(where, what["code"], command))
    runs.prepare(run, recipe.tree)
    observers = Observers({name: part.make(catalogue) for name, part in recipe.observers.items()})
    with Precision(recipe.train.precision):
        return Trained(run, _Training(recipe, run, gan, steps, bench, observers).go())


@dataclass
class _Training:
    """A run under way."""

    recipe: Recipe
    run: Run
    gan: GAN
    steps: Steps
    bench: Bench
    observers: Observers
    step: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def go(self) -> Outcome:
        """The whole run. The outcome is written and told however it ends; errors go on to the caller."""
        self.log = runs.MetricsFile(self.run.directory / "metrics.jsonl", keep=self.step)
        self.observers.tell("on_run_start", run=self.run)
        try:
            reason = self.loop()
            return self.end(Outcome("stopped" if reason else "finished", self.step, self.seconds, reason, self.metrics))
        except KeyboardInterrupt:
            self.end(Outcome("stopped", self.step, self.seconds, "interrupted", self.metrics))
            raise
        except BaseException as error:
            text = str(error) if isinstance(error, DivergedError) else f"{type(error).__name__}: {error}"
            self.end(Outcome("failed", self.step, self.seconds, text, self.metrics))
            raise
        finally:
            self.log.close()

    def end(self, outcome: Outcome) -> Outcome:
        photo = self.bench.photo() if outcome.status == "finished" else {}
        outcome = replace(outcome, photo=photo)
        runs.write_outcome(self.run.directory, outcome)
        self.observers.tell("on_run_end", run=self.run, outcome=outcome)
        return outcome

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def loop(self) -> str | None:
        """Every stage's steps; why it stopped early, or None."""
        train, device = self.recipe.train, self.gan.device
        workers = _workers(device) if train.workers is None else train.workers
        data = batches(self.steps, 0, self.run.steps, workers, device)
        for phase in self.phases():
            for number in range(phase.start, phase.stop):
                batch = next(data)
                if train.channels_last:
                    batch = replace(
                        batch,
                        photo=batch.photo.contiguous(memory_format=torch.channels_last),
                        cartoon=batch.cartoon.contiguous(memory_format=torch.channels_last),
                    )
                scalars = self.gan.step(phase, batch, number)
                if reason := self.after(phase, number + 1, scalars):
                    return reason
        return None

    def phases(self) -> Iterator[Phase]:
        phase = None
        for index, (_, start, stop) in enumerate(plan(self.recipe, self.steps.per_epoch)):
            phase = enter(self.gan, self.recipe, index, start, stop, phase)
            yield phase

    def after(self, phase: Phase, step: int, scalars: Scalars) -> str | None:
        """What comes after a step: log, evaluate, save; a reason to stop, or None."""
        self.step, train, last = step, self.recipe.train, step == self.run.steps
        values = self.read(scalars) if step % train.log_every == 0 or last or step == 1 else None
        self.observers.tell("on_step_end", run=self.run, step=step, scalars=values)
        reason = next(iter(self.observers.tell("stop_reason", run=self.run, step=step)), None)
        if step % train.checkpoint_every == 0 or last or reason:
            self.save(phase)
        if step % train.evaluate_every == 0 or last:
            self.evaluate()
        return None if last else reason

    def read(self, scalars: Scalars) -> dict[str, float]:
        """The losses as numbers: the one place where the loop waits for the device."""
        if not scalars:  # nobody moved in this step
            return {}
        numbers = dict(zip(scalars, torch.stack(list(scalars.values())).tolist(), strict=True))
        if wrong := [name for name, value in numbers.items() if not math.isfinite(value)]:
            raise DivergedError(f"diverged at step {self.step}: {', '.join(wrong)} is {numbers[wrong[0]]}")
        self.log.write(self.step, "scalars", numbers)
        return numbers

    def evaluate(self) -> None:
        generator = checkpoint.trained(self.gan)
        self.metrics = self.bench.evaluate(generator, self.gan.device)
        fakes = list(self.bench.fakes(generator, self.gan.device, count=self.recipe.evaluate.grid))
        images = {}
        if fakes:
            path = self.run.directory / "samples" / f"step-{self.step:08d}.png"
            save_grid(path, self.bench.rows(fakes, self.run.recipe_name))
            images = {"samples": path}
        self.log.write(self.step, "evaluation", self.metrics)
        self.observers.tell("on_evaluation_end", run=self.run, step=self.step, metrics=self.metrics, images=images)

    def save(self, phase: Phase) -> None:
        keep = self.recipe.train.keep_checkpoints
        folder = self.run.directory / "checkpoints"
        path = checkpoint.save(folder, self.step, self.seconds, self.gan, phase, self.recipe, keep)
        self.observers.tell("on_checkpoint", run=self.run, step=self.step, path=path)


def pick_device(name: str) -> torch.device:
    """`auto`: a GPU where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        text = str(error).partition("\n")[0]
        raise ToonlabError(f"--device {name}: not usable here: {text}; take auto or cpu") from error
    return device


def _workers(device: torch.device) -> int:
    """On a GPU, as many processes as keep it fed; beside training on a CPU they would only take its cores."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 0


class Precision:
    """Within, float32 products on a GPU are exact (`fp32`, `bf16`) or TF32 (`tf32`)."""

    def __init__(self, name: str) -> None:
        self.tf32 = name == "tf32"

    def __enter__(self) -> None:
        self.before = (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32)
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = self.tf32

    def __exit__(self, *_: object) -> None:
        torch.set_float32_matmul_precision(self.before[0])
        torch.backends.cudnn.allow_tf32 = self.before[1]
