"""Plans of searches: how many trials, which combinations, and which of them are feasible."""

from __future__ import annotations

from pathlib import Path

from searches import SEARCH, SIZE, K, plan_of


def test_a_grid_has_no_more_trials_than_combinations(file: Path) -> None:
    grid = SEARCH.replace("pruner: none", "pruner: none\nsampler: grid")
    assert plan_of(file, grid.replace("trials: 3", "trials: 100")).count == 6
    assert plan_of(file, grid).count == 3


def test_every_combination_is_drawn_once_and_in_the_same_order_each_time(file: Path) -> None:
    plan = plan_of(file, SEARCH)
    drawn = list(plan.draws(0))
    assert len(drawn) == 6
    assert all(combination not in drawn[:place] for place, combination in enumerate(drawn))
    assert list(plan.draws(0)) == drawn != list(plan.draws(1))
    learning_rate = "search: {generator.optimizer.lr: {low: 1e-6, high: 1e-2, log: true}, "
    assert list(plan_of(file, SEARCH.replace("search: {", learning_rate)).draws(0)) == []


def test_a_cell_names_its_parameters_unless_they_are_the_defaults(file: Path) -> None:
    plan = plan_of(file, SEARCH)
    assert plan.default == {SIZE: 16, K: 2}
    assert plan.spec(plan.default, 5).label == "small, seed 5"
    other = plan.spec({SIZE: 24, K: 1}, 0)
    assert dict(other.variant.levels) == {SIZE: 24, K: 1}
    assert other.recipe.critics["patch"].sampler.parameters["patch_size"] == 24


def test_the_probe_says_which_parameters_are_infeasible(file: Path) -> None:
    plan = plan_of(file, SEARCH)
    assert plan.infeasible(plan.default) is None
    assert "k=2" in (plan.infeasible({SIZE: 24, K: 2}) or "")
    assert "fit" in (plan.infeasible({SIZE: 40, K: 1}) or "")


def test_the_digest_is_of_what_decides_on_values(file: Path) -> None:
    digest = plan_of(file, SEARCH).digest
    assert (
        plan_of(file, SEARCH.replace("trials: 3", "trials: 9").replace("about: patches", "about: k")).digest == digest
    )
    assert plan_of(file, SEARCH.replace("seeds_per_trial: 2", "seeds_per_trial: 3")).digest != digest
    assert plan_of(file, SEARCH.replace("train.steps: 4", "train.steps: 5")).digest != digest
