"""The run of a recipe that trains nothing: one evaluation of its generator."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from toonlab.recipes.spec import Recipe
from toonlab.types import Outcome

from .evaluation import finish_run, record_evaluation
from .evaluator import Evaluator
from .record import RunRecord


@dataclass(kw_only=True)
class EvaluationRun:
    """An evaluation of a generator that does not learn, with the outcome of any run."""

    recipe: Recipe
    record: RunRecord
    evaluator: Evaluator
    generator: nn.Module

    def run(self) -> Outcome:
        """Evaluate the generator and write the outcome."""
        with self.record.recording():
            self.record.distributed.on_first(self.evaluate)
        return self.record.complete()

    def evaluate(self) -> None:
        device, grid = self.record.distributed.device, self.recipe.evaluate.grid
        evaluation = self.evaluator.evaluate(self.generator, device, keep=grid)
        record_evaluation(self.record, self.evaluator, evaluation)
        finish_run(self.record, self.recipe, self.evaluator, self.generator, evaluation)
