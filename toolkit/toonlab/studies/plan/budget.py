"""Budgets: as many steps for each variant of a comparison as make it cost what the baseline costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from toonlab.engine.builder import first_views, plan
from toonlab.errors import Problem, RecipeError
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue

from .experiment import Experiment, CellSpec, baseline_of

Cost = Callable[[int], float]  # of a training of so many steps
_LONG = 100_000  # steps, in which the rounding of stages does not show


def allot(
    experiment: Experiment,
    source: Path,
    cells: Sequence[CellSpec],
    catalogue: Catalogue,
    clock: Callable[[Sequence[CellSpec]], Mapping[str, float]],
) -> list[CellSpec]:
    """The cells, each with the steps that the experiment's budget gives it.

    - `steps`: what every recipe says itself.
    - `critic_pixels`: as many as let its critics see as many pixels as the baseline's, see `critic_pixels`.
    - `seconds`: as many as take as long as the baseline's, by the time that a step takes here: not reproducible.

    What trains nothing stays as it is. Steps are whole, so costs are equal but for half a step's.

    Args:
        source: the experiment's file, for errors.
        clock: the seconds that a step takes, by the variants' labels; asked for `seconds` alone. Cells whose steps do
            not follow from what it knows are left out.

    Raises:
        RecipeError: with everything for which there can be no such steps.
    """
    if experiment.budget == "steps":
        return list(cells)
    trained = trained_of(cells)
    baseline = baseline_of(experiment, list(cells)) or ""
    if problems := [*_unfit(experiment, trained, baseline)]:
        raise RecipeError(str(source), problems)
    if experiment.budget == "seconds":
        seconds = clock(list(trained.values()))
        costs: dict[str, Cost] = {label: partial(float.__mul__, value) for label, value in seconds.items()}
    else:
        costs = _pixels(source, trained, catalogue)
    steps = _alike(costs, trained, baseline) if baseline in costs else {}
    known = [cell for cell in cells if cell.variant.label in steps or not cell.recipe.stages]
    return [replace(c, recipe=with_steps(c.recipe, steps[c.variant.label])) if c.recipe.stages else c for c in known]


def trained_of(cells: Sequence[CellSpec]) -> dict[str, CellSpec]:
    """label -> the first cell of each variant that trains."""
    found: dict[str, CellSpec] = {}
    for cell in cells:
        if cell.recipe.stages:
            found.setdefault(cell.variant.label, cell)
    return found


def allotted(experiment: Experiment, cells: Sequence[CellSpec]) -> dict[str, int]:
    """label -> the steps that a budget has given to each variant that trains; empty where recipes say it themselves."""
    trained = trained_of(cells) if experiment.budget != "steps" else {}
    return {label: cell.recipe.train.steps or 0 for label, cell in trained.items()}


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with another length; its stages keep their shares."""
    tree = {**recipe.tree, "train": {**recipe.tree["train"], "steps": steps}}
    return replace(recipe, tree=tree, train=replace(recipe.train, steps=steps))


def _alike(costs: Mapping[str, Cost], trained: Mapping[str, CellSpec], baseline: str) -> dict[str, int]:
    """label -> the steps that cost what the baseline's do."""
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
    """Trainings without a length, or whose stages' shares can't be told; nothing to measure by."""
    if baseline not in trained:
        yield Problem("budget", f"the baseline {baseline!r} trains nothing; give one that does, by baseline: NAME")
    if any("train.steps" in experiment.overrides_of(factor) for factor in experiment.factors):
        text = f"{experiment.budget} decides on train.steps, which is a factor here; leave one of them out"
        yield Problem("budget", text)
    for recipe in {cell.recipe.name: cell.recipe for cell in trained.values()}.values():
        units = {"steps" if s.length.steps else "epochs" if s.length.epochs else "share" for s in recipe.stages}
        if recipe.train.steps is None:
            text = f"missing; a budget of {experiment.budget} needs it: the stages' {' and '.join(sorted(units))} are"
            yield Problem(f"{recipe.name}: train.steps", f"{text} then their shares of it")
        elif len(units) > 1:
            text = f"some count steps and some epochs; a budget of {experiment.budget} needs their shares: give those"
            yield Problem(f"{recipe.name}: stages", text)


# -- pixels


def critic_pixels(recipe: Recipe, catalogue: Catalogue) -> dict[str, int]:
    """The pixels that each critic sees in a step, by the probe: of a batch's real and fake views, height x width.

    Channels do not count, nor does what a critic's further losses show it beside its views.

    Raises:
        RecipeError: if its sampler or representation can't work on such images.
    """
    found = first_views(recipe, catalogue)
    return {
        name: sum(images.shape[0] * images.shape[-2] * images.shape[-1] for images in (views.real, views.fake))
        for name, views in found.items()
    }


def total_pixels(recipe: Recipe, pixels: Mapping[str, int], steps: int) -> int:
    """What all critics see in a training of so many steps: a stage may leave critics out."""
    total = 0
    for stage, start, stop in plan(with_steps(recipe, steps), 1):
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
