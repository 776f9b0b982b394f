"""Plans of searches: how many trials, which combinations, and which of them are feasible; and as Optuna's objects."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from searches import SEARCH, SIZE, K, plan_of

from toonlab.errors import RecipeError
from toonlab.studies.plan.search import Range, SearchObjective, SearchSpec
from toonlab.studies.plan.search_plan import decoded, distributions, encoded, grid_size, grid_value, pruner, sampler


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


def test_combinations_of_very_many_are_drawn_without_making_all(file: Path) -> None:
    huge = f"search: {{train.batch: {{low: 1, high: {10**15}}}, "
    plan = plan_of(file, SEARCH.replace("search: {", huge))  # more than a list may hold
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    drawn = list(plan.draws(0))
    assert (time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < (60, 200_000)
    assert len({each["train.batch"] for each in drawn}) == 10_000
    assert {each[SIZE] for each in drawn} == {16, 24, 40}
    wider = f"search: {{train.steps: {{low: 1, high: {10**15}}}, train.batch: {{low: 1, high: {10**15}}}, "
    assert len(list(plan_of(file, SEARCH.replace("search: {", wider)).draws(0))) == 10_000
    grid = SEARCH.replace("search: {", huge).replace("pruner: none", "pruner: none\nsampler: grid")
    assert plan_of(file, grid).count == 3


def test_more_steps_than_a_number_can_count_are_refused(file: Path) -> None:
    tiny = SEARCH.replace("search: {", "search: {generator.optimizer.lr: {low: 0, high: 1, step: 1e-300}, ")
    with pytest.raises(RecipeError, match=r"lr: step: got 1e-300, expected at most 1e\+15 steps from low to high$"):
        plan_of(file, tiny)


def test_a_cell_names_its_parameters_unless_they_are_the_defaults(file: Path) -> None:
    plan = plan_of(file, SEARCH)
    assert plan.default == {SIZE: 16, K: 2}
    assert plan.spec(plan.default, 5).label == "small, seed 5"
    other = plan.spec({SIZE: 24, K: 1}, 0)
    assert dict(other.variant.levels) == {SIZE: 24, K: 1}
    assert other.recipe.critics["patch"].sampler.parameters["patch_size"] == 24


def test_a_cell_of_many_parameters_is_named_by_its_trial(file: Path) -> None:
    paths = [SIZE, K, "generator.losses.content.weight", "generator.losses.tv.weight", "generator.optimizer.lr"]
    space = ", ".join(f"{path}: {{low: 1, high: 2}}" for path in paths)
    plan = plan_of(file, SEARCH.replace(f"{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}", space))
    assert plan.spec(dict.fromkeys(paths, 1), 5, 17).label == "small (trial 17), seed 5"


def test_auto_ends_where_the_recipe_can_no_longer_be_built(file: Path) -> None:
    plan = plan_of(file, SEARCH.replace(f"{{{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}}}", "auto"))
    assert plan.space[SIZE] == Range(None, 16, 16, 8, integer=True)  # of 32 pixels, two patches of 24 do not fit
    assert plan.infeasible({K: plan.space[K].high}) is None


def test_a_budget_of_steps_is_about_so_many_trials(file: Path) -> None:
    assert plan_of(file, SEARCH.replace("trials: 3", "budget: {steps: 25}")).count == 4  # of 4 steps and two seeds


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


# -- as Optuna's

PART = {"use": "ctss", "k": 2}
SPACE = {
    "part": Range((PART, None, "whole")),
    "k": Range(None, 1, 9, 2, integer=True),
    "lr": Range(None, 1e-4, 1e-1, log=True),
}


def spec(**given: object) -> SearchSpec:
    return SearchSpec(recipe="ctss", search={"k": "auto"}, objective=SearchObjective("f1"), **given)


def test_a_range_is_a_distribution() -> None:
    found = distributions(SPACE)
    assert found["part"] == CategoricalDistribution(['{"k": 2, "use": "ctss"}', None, "whole"])
    assert found["k"] == IntDistribution(1, 9, step=2)
    assert found["lr"] == FloatDistribution(1e-4, 1e-1, log=True)


def test_choices_come_back_as_the_recipe_takes_them() -> None:
    params = {"part": encoded(PART), "k": 3, "lr": 0.01}
    assert decoded(SPACE, params) == {"part": PART, "k": 3, "lr": 0.01}
    assert decoded(SPACE, {"part": "whole"}) == {"part": "whole"}


def grid(found: Range) -> list[object]:
    return [grid_value(found, place) for place in range(grid_size(found))]


def test_a_grid_has_both_ends() -> None:
    assert grid(SPACE["k"]) == [1, 3, 5, 7, 9]
    assert grid(Range(None, 0.0, 0.3, 0.1)) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert grid(SPACE["part"]) == [encoded(PART), None, "whole"]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tpe", optuna.samplers.TPESampler),
        ("random", optuna.samplers.RandomSampler),
        ("grid", optuna.samplers.RandomSampler),
        ("gp", optuna.samplers.GPSampler),
    ],
)
def test_samplers_propose_the_same_each_time(name: str, kind: type) -> None:
    space = {"k": SPACE["k"]}
    proposed = []
    for _ in range(2):
        study = optuna.create_study(sampler=sampler(spec(sampler=name)))
        assert isinstance(study.sampler, kind)
        proposed.append([study.ask(distributions(space)).params["k"] for _ in range(4)])
    assert proposed[0] == proposed[1]
    assert set(proposed[0]) <= {1, 3, 5, 7, 9}


def test_pruners() -> None:
    assert isinstance(pruner(spec()), optuna.pruners.MedianPruner)
    assert isinstance(pruner(spec(pruner="hyperband")), optuna.pruners.HyperbandPruner)
    assert isinstance(pruner(spec(pruner="none")), optuna.pruners.NopPruner)
    assert isinstance(pruner(spec(pruner="wilcoxon")), optuna.pruners.WilcoxonPruner)


def test_a_gaussian_process_proposes_what_it_has_learnt() -> None:
    study = optuna.create_study(direction="maximize", sampler=sampler(spec(sampler="gp", trials=12)))
    space = distributions({"x": Range(None, 0.0, 1.0)})
    for _ in range(9):  # the first three are random
        trial = study.ask(space)
        study.tell(trial, -((trial.params["x"] - 0.7) ** 2))
    assert study.best_params["x"] == pytest.approx(0.7, abs=0.02)
