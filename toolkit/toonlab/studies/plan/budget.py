"""Budgets: the steps of each variant of a comparison with which its cost equals the baseline's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from toonlab.engine.builder import first_views
from toonlab.engine.stages import plan
from toonlab.errors import Problem, RecipeError
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.studies.executors.cell import CellSpec, first_of_each

from .experiment import Experiment, baseline_of, with_train

Cost = Callable[[int], float]  # of a training of so many steps
_LONG = 10**9  # steps, in which the rounding of stages does not show


def allot(
    experiment: Experiment,
    source: Path,
    specs: Sequence[CellSpec],
    catalogue: Catalogue,
    clock: Callable[[Sequence[CellSpec]], Mapping[str, float]],
) -> list[CellSpec]:
    """The planned cells, each with the steps of the experiment's budget.

    - `steps`: those of every recipe itself.
    - `critic_pixels`: with which its critics see as many pixels as the baseline's, see `critic_pixels`.
    - `seconds`: which take as long as the baseline's, by the time of a step on this machine: not reproducible.

    Non-learned baselines are unchanged. Steps are whole numbers, so costs differ by up to half a step's.

    Args:
        source: the experiment's file, for errors.
        clock: returns the seconds of a step by the variants' labels; called for `seconds` alone. Cells whose steps do
            not follow from its times are left out.

    Raises:
        RecipeError: with all variants for which there are no such steps.
    """
    if experiment.budget == "steps":
        return list(specs)
    trained = trained_of(specs)
    baseline = baseline_of(experiment, specs)
    if problems := [*_unfit(experiment, trained, baseline)]:
        raise RecipeError(str(source), problems)
    if experiment.budget == "seconds":
        seconds = clock(list(trained.values()))
        costs: dict[str, Cost] = {label: partial(float.__mul__, value) for label, value in seconds.items()}
    else:
        costs = _pixels(source, trained, catalogue)
    steps = _alike(costs, trained, baseline) if baseline in costs else {}
    known = [spec for spec in specs if spec.variant.label in steps or not spec.recipe.stages]
    return [
        replace(spec, recipe=with_train(spec.recipe, steps=steps[spec.variant.label])) if spec.recipe.stages else spec
        for spec in known
    ]


def trained_of(specs: Sequence[CellSpec]) -> dict[str, CellSpec]:
    """label -> the first cell of each trained variant."""
    return first_of_each(spec for spec in specs if spec.recipe.stages)


def allotted(experiment: Experiment, specs: Sequence[CellSpec]) -> dict[str, int]:
    """label -> the steps that a budget has given to each trained variant; empty without one."""
    trained = trained_of(specs) if experiment.budget != "steps" else {}
    return {label: cell.recipe.train.steps or 0 for label, cell in trained.items()}


def _alike(costs: Mapping[str, Cost], trained: Mapping[str, CellSpec], baseline: str) -> dict[str, int]:
    """label -> the steps whose cost is the baseline's."""
    own = trained[baseline].recipe.train.steps or 0
    total = costs[baseline](own)
    steps = {label: _steps(cost, total, len(trained[label].recipe.stages)) for label, cost in costs.items()}
    return steps | {baseline: own}


def _steps(cost: Cost, total: float, stages: int) -> int:
    """The number of steps whose cost comes nearest to a total."""
    about = round(total * _LONG / cost(_LONG))
    near = range(max(stages, about - stages), max(stages, about) + stages + 1)  # stages' ends are rounded
    return min(near, key=lambda steps: (abs(cost(steps) - total), abs(steps - about)))


def _unfit(experiment: Experiment, trained: Mapping[str, CellSpec], baseline: str) -> Iterator[Problem]:
    """Trainings without a length or with stages of unknown shares; a baseline without a cost."""
    if baseline not in trained:
        yield Problem("budget", f"the baseline {baseline!r} trains nothing; give one that does, by baseline: NAME")
    if any("train.steps" in experiment.overrides_of(factor) for factor in experiment.factors):
        text = f"{experiment.budget} decides on train.steps, which is a factor here; leave one of them out"
        yield Problem("budget", text)
    for recipe in {cell.recipe.name: cell.recipe for cell in trained.values()}.values():
        units = {"steps" if s.steps else "epochs" if s.epochs else "share" for s in recipe.stages}
        if recipe.train.steps is None:
            text = f"missing; a budget of {experiment.budget} needs it: the stages' {' and '.join(sorted(units))} are"
            yield Problem(f"{recipe.name}: train.steps", f"{text} then their shares of it")
        elif len(units) > 1:
            text = f"some count steps and some epochs; a budget of {experiment.budget} needs their shares: give those"
            yield Problem(f"{recipe.name}: stages", text)


# -- pixels


def critic_pixels(recipe: Recipe, catalogue: Catalogue) -> dict[str, int]:
    """The pixels that each critic sees in a step, by the probe: of a batch's real and fake views, height x width.

    Channels do not count, nor do the images of further losses.

    Raises:
        RecipeError: if its sampler or representation can't work on such images.
    """
    found = first_views(recipe, catalogue)
    return {
        name: sum(images.shape[0] * images.shape[-2] * images.shape[-1] for images in (views.real, views.fake))
        for name, views in found.items()
    }


def total_pixels(recipe: Recipe, pixels: Mapping[str, int], steps: int) -> int:
    """The pixels that all critics see in a training; a stage may leave critics out."""
    total = 0
    for stage, start, stop in plan(with_train(recipe, steps=steps), 1):
        active = recipe.critics if stage.critics is None else stage.critics
        total += (stop - start) * sum(pixels[name] for name in active)
    return total


def _pixels(source: Path, trained: Mapping[str, CellSpec], catalogue: Catalogue) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    problems = []
    for label, cell in trained.items():
        try:
            costs[label] = partial(total_pixels, cell.recipe, critic_pixels(cell.recipe, catalogue))
        except RecipeError as error:
            problems += [Problem(f"{label}: {problem.path}", problem.message) for problem in error.problems]
            continue
        if not costs[label](_LONG):
            text = "critic_pixels, but none of its critics ever sees any; take steps or seconds"
            problems.append(Problem(f"{label}: budget", text))
    if problems:
        raise RecipeError(str(source), problems)
    return costs
