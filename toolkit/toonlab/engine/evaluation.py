"""The evaluations of a run: those on its way, and the last one, which its results are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from toonlab.recipes.spec import Recipe

from . import profiling
from .evaluator import Evaluation, Evaluator, save_grid
from .final_pictures import write_final_pictures
from .record import RunRecord

_NONE: Mapping[str, Path] = {}


def record_evaluation(
    record: RunRecord, evaluator: Evaluator, evaluation: Evaluation, images: Mapping[str, Path] = _NONE
) -> None:
    """Log the metrics of an evaluation at the record's step, write the sample grid, notify the observers.

    Args:
        images: further pictures of this step, by name, for the observers.
    """
    written = dict(images)
    if evaluation.fakes:
        written["samples"] = record.run.directory / "samples" / f"step-{record.step:08d}.png"
        save_grid(written["samples"], evaluator.rows(evaluation.fakes, record.run.recipe_name))
    record.add_evaluation(evaluation, written)


def finish_run(
    record: RunRecord, recipe: Recipe, evaluator: Evaluator, generator: nn.Module, evaluation: Evaluation
) -> None:
    """Complete the results of a run: its metrics, those of the unmodified photos, costs, and the pictures of reports.

    Args:
        evaluator: of the samples that results are reported on.
        generator: the one that was evaluated.
        evaluation: of the generator, on the evaluator's samples; it holds the fakes of the first ones, for pictures.
    """
    device = record.distributed.device
    record.metrics, record.measured = evaluation.metrics, evaluation.measured
    record.photo = evaluator.evaluate_photos().metrics
    record.costs |= profiling.inference(generator, [sample.photo for sample in evaluator.samples], device)
    record.costs["peak_memory_mib"] = profiling.peak_memory_mib(device)
    write_final_pictures(record.run, evaluator, evaluation.fakes, recipe)
