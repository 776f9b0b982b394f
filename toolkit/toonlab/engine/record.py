"""The record of a run in progress: its metrics file, its pictures, its events and its outcome."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from toonlab.errors import DivergedError, ToonlabError
from toonlab.images.io import write_png
from toonlab.recipes.spec import Recipe
from toonlab.registry.observers import Observers
from toonlab.runs.directory import MetricsFile, write_outcome
from toonlab.types import Outcome, Run, Scores
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.signals import Interrupted, Signals

from . import profiling
from .checkpoint import checkpoints
from .evaluator import Evaluation, Evaluator
from .pictures import write_final_pictures

_NONE: Mapping[str, Path] = {}


@dataclass(kw_only=True)
class RunRecord:
    """What is known of a run so far. Rank 0 writes it to the run's directory and notifies the observers.

    `seconds_before` is the time that the run took before it was resumed, `lines_before` the number of lines that its
    metrics file had.
    """

    run: Run
    observers: Observers
    distributed: DistributedContext
    step: int = 0
    seconds_before: float = 0.0
    lines_before: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    photo: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    split: Literal["validation", "test"] = "validation"
    scores: Scores = field(default_factory=dict)
    photo_scores: Scores = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.started = time.monotonic()
        self.signals = Signals()
        self._file: MetricsFile | None = None

    @property
    def seconds(self) -> float:
        """The time that the run has taken, without the time between a stop and a resume."""
        return round(self.seconds_before + time.monotonic() - self.started, 3)

    @property
    def lines(self) -> int:
        """The number of lines of the metrics file."""
        return self._file.count if self._file else self.lines_before

    def notify(self, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook of the observers with the run and further arguments; their answers."""
        return self.observers.notify(hook, run=self.run, **arguments) if self.distributed.rank == 0 else []

    def log(self, kind: str, values: Mapping[str, float], **more: Mapping[str, float]) -> None:
        """Append a line to the metrics file.

        Raises:
            ToonlabError: if the run's directory is gone.
        """
        self.check_directory()
        if self._file:
            self._file.write(self.step, kind, values, **more)

    def check_directory(self) -> None:
        """Check that the run's directory is still there; later files would make another one, without a recipe.

        Raises:
            ToonlabError: if not.
        """
        if text := self._vanished():
            raise ToonlabError(text)

    def _vanished(self) -> str | None:
        if self._file is None or (self.run.directory / "recipe.yaml").exists():
            return None
        text = "vanished during the run; was it deleted or moved? The same command begins again"
        return f"{self.run.directory}: {text}"

    def add_evaluation(
        self,
        evaluator: Evaluator,
        evaluation: Evaluation,
        images: Mapping[str, Path] = _NONE,
        **more: Mapping[str, float],
    ) -> None:
        """Log an evaluation, write its sample grid, notify the observers.

        Args:
            images: further pictures for observers.
            more: what else the line of the evaluation holds.
        """
        written = dict(images)
        if evaluation.fakes:
            written["samples"] = self.run.directory / "samples" / f"step-{self.step:08d}.png"
            write_png(written["samples"], evaluator.grid(evaluation.fakes, self.run.recipe_name))
        self.metrics, self.measured = evaluation.metrics, evaluation.measured
        self.log("evaluation", evaluation.metrics, **more)
        self.notify("on_evaluation_end", step=self.step, metrics=evaluation.metrics, images=written)

    def add_results(self, recipe: Recipe, evaluator: Evaluator, generator: nn.Module, evaluation: Evaluation) -> None:
        """Complete the results: the generator's metrics, those of the unmodified photos, costs, and reports' pictures.

        Args:
            evaluator: of the samples that results are reported on.
            evaluation: of the generator, on these samples; it holds the fakes of the first ones, for pictures.
        """
        device = self.distributed.device
        self.metrics, self.measured = evaluation.metrics, evaluation.measured
        photos = evaluator.evaluate_photos()
        self.photo, self.scores, self.photo_scores = photos.metrics, _short(evaluation.scores), _short(photos.scores)
        self.costs |= profiling.inference(generator, [sample.photo for sample in evaluator.samples], device)
        self.costs["peak_memory_mib"] = profiling.peak_memory_mib(device)
        write_final_pictures(self.run, evaluator, evaluation.fakes, recipe)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Start the run, and write its outcome if the block raises an error; the error is raised again.

        Raises:
            ToonlabError: in place of an OSError, with the checkpoint from which the run can be resumed.
        """
        if self.distributed.rank == 0:
            path = self.run.directory / "metrics.jsonl"
            self._file = MetricsFile(path, keep=self.step, expected=self.lines_before)
        self.notify("on_run_start")
        if self.distributed.device.type == "cuda":  # earlier runs of the same process may have raised the peak
            torch.cuda.reset_peak_memory_stats(self.distributed.device)
        try:
            with self.signals:
                yield
                self.check_directory()
        except KeyboardInterrupt:
            self._end("stopped", "interrupted")
            raise
        except OSError as error:
            text = self._vanished() or self._unwritable(error)
            self._end("failed", text)
            raise ToonlabError(text) from error
        except BaseException as error:
            self._end("failed", str(error) if isinstance(error, DivergedError) else f"{type(error).__name__}: {error}")
            raise

    def complete(self, stop_reason: str | None = None) -> Outcome:
        """Write the outcome of a run that finished, or that stopped for a reason.

        Raises:
            Interrupted: if the reason is a signal.
        """
        outcome = self._end("stopped" if stop_reason else "finished", stop_reason)
        if stop_reason and self.signals.asked is not None:
            name, number = signal.Signals(self.signals.asked).name, self.signals.asked
            text = f"stopped by {name} at step {self.step} of {self.run.steps}; the same command continues from there"
            raise Interrupted(number, text)
        return outcome

    def _end(self, status: Literal["finished", "failed", "stopped"], reason: str | None) -> Outcome:
        results = (self.metrics, self.photo, self.measured, self.costs)
        outcome = Outcome(status, self.step, self.seconds, reason, *results, self.split, self.scores, self.photo_scores)
        if self._file:
            self._file.close()
            if status != "failed" or self.run.directory.is_dir():
                try:
                    write_outcome(self.run.directory, outcome)
                except OSError as error:
                    raise ToonlabError(self._vanished() or self._unwritable(error)) from error
        self.notify("on_run_end", outcome=outcome)
        return outcome

    def _unwritable(self, error: OSError) -> str:
        saved = checkpoints(self.run.directory / "checkpoints")
        last = f"step {int(saved[-1].name.partition('-')[2])}" if saved else "the start"
        text = f"{error.filename or self.run.directory}: can't be written: {error.strerror or error}"
        return f"{text}; make room, and the same command continues from {last}"


def _short(scores: Scores) -> Scores:
    """Six digits tell scenes apart, and a study's results hold those of all runs."""
    return {name: [v if v is None else float(f"{v:.6g}") for v in values] for name, values in scores.items()}
