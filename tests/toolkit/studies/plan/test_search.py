"""Searches: their spaces, completed from what plugins declare."""

from __future__ import annotations

from pathlib import Path

import pytest
from searches import SEARCH, SIZE, K, plan_of

from toonlab import discover
from toonlab.errors import RecipeError, ToonlabError
from toonlab.studies.plan.search import Range, auto_space, is_search, read_search, recipe_of
from toonlab.studies.plan.search_plan import plans_of


def test_auto_is_what_the_plugin_declares(file: Path) -> None:
    plan = plan_of(file, SEARCH.replace("[16, 24, 40]", "auto"))
    assert plan.space[SIZE] == Range(None, 16, 128, 8, False, True)
    assert plan.space[K] == Range(None, 1, 2, None, False, True)


def test_auto_for_a_path_without_a_declared_range(file: Path) -> None:
    with pytest.raises(RecipeError, match=r"generator\.optimizer\.lr: no plugin declares a range for it"):
        plan_of(file, SEARCH.replace(f"{SIZE}: [16, 24, 40]", "generator.optimizer.lr: auto"))


def test_a_file_is_a_search_or_a_comparison(file: Path) -> None:
    assert is_search(str(file))
    search, _ = read_search(str(file), trials=7)
    assert (search.trials, search.maximize, search.overlays) == (7, True, [])
    (file.parent / "study.yaml").write_text("recipes: [small]\n")
    assert not is_search(str(file.parent / "study.yaml"))
    with pytest.raises(RecipeError, match=r"a comparison, not a search: it has no `search`; use toonlab compare"):
        read_search(str(file.parent / "study.yaml"))


def test_a_recipe_has_the_parameters_the_seed_and_the_metrics_of_its_search(file: Path) -> None:
    search, path = read_search(str(file))
    recipe = recipe_of(search, path, discover(), 3, {K: 1}, {"train.steps": 9})
    assert (recipe.train.seed, recipe.train.steps) == (3, 9)
    assert recipe.critics["patch"].sampler.parameters["k"] == 1
    assert [part.use for part in recipe.evaluate.metrics] == ["lines"]


def test_a_range_is_written_by_its_choices_or_its_bounds() -> None:
    assert Range(("a", None)).to_json() == {"choices": ["a", None]}
    bounds = {"choices": None, "low": 1, "high": 4, "step": 1, "log": False, "integer": True}
    assert Range(None, 1, 4, 1, integer=True).to_json() == bounds


def test_several_recipes_have_a_search_each_with_the_same_budget(several: Path) -> None:
    text = several.read_text()
    search, path = read_search(str(several))
    small, other = search.arms
    assert (small.recipe, other.recipe, other.search) == ("small", "other", "auto")
    assert list(small.search) == [K, "generator.losses.content.weight"]
    assert (small.limit, other.limit, search.top) == (("trials", 2), ("trials", 2), 1)
    several.write_text(text.replace("sampler: random", "control: random"))
    search, _ = read_search(str(several), trials=9)
    assert [(arm.recipe, arm.sampler, arm.control) for arm in search.arms] == [
        *(("small", "tpe", None), ("small", "random", "random")),
        *(("other", "tpe", None), ("other", "random", "random")),
    ]
    assert {arm.limit for arm in search.arms} == {("trials", 9)}
    digests = [plan.digest for plan in plans_of(search, path, discover(), {})]
    assert len(set(digests)) == 4  # each is a study of its own


def test_auto_is_every_weight_and_learning_rate_the_warm_up_and_what_plugins_declare(small: Path) -> None:
    from toonlab.recipes.load import load

    losses = "generator.losses"
    stages = [{"name": "warm-up", "epochs": 2, "critics": []}, {"name": "adversarial", "epochs": 6}]
    own = [("stages", stages), (f"{losses}.tv.weight", 0), ("generator.optimizer.lr", 2e-4)]
    catalogue = discover()
    space = auto_space(load(small, catalogue, own), catalogue)
    tenfold = {
        f"{losses}.content.weight": (0.15, 15),
        "critics.image.weight.generator": (0.1, 10),
        "critics.patch.weight.generator": (0.3, 30),
        "generator.optimizer.lr": (2e-5, 2e-3),
    }
    for path, ends in tenfold.items():  # none for a weight of 0
        assert space.pop(path) == Range(None, *ends, log=True)
    assert space.pop("stages.0.epochs") == Range(None, 0.5, 8, log=True)
    assert {space.pop(f"critics.{name}.optimizer.lr").log for name in ("image", "patch")} == {True}
    assert space[SIZE] == Range(None, 16, 128, 8, integer=True)
    assert all(path.startswith("critics.patch.sampler.") for path in space)
    # without a total, another warm-up would be another length of the whole
    assert "stages.0.epochs" not in auto_space(load(small, catalogue, [*own, ("train.steps", None)]), catalogue)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "recipes: [small, other]",
            "recipes: [small, other]\nrecipe: small",
            "recipe: give a recipe, or several under",
        ),
        ("recipes: [small, other]", "also: []", "recipe: give a recipe, or several under `recipes`"),
        ("[small, other]", "[small, ./small.yaml]", "recipes: 2 of them are called 'small'"),
        ("[small, other]", "[small, othre]", "othre: no such recipe; did you mean 'other'?"),
        ("  small: {", "  smal: {", "search: smal: is none of the recipes; did you mean 'small'?"),
        ("trials: 2", "trials: 2, steps: 9", "budget: got {trials: 2, steps: 9}, expected one of trials, steps"),
        ("{trials: 2}", "{}", "budget: got {}, expected one of trials, steps and seconds"),
        ("{trials: 2}", "{hours: 2}", "budget.hours: unknown; valid: seconds, steps, trials"),
        ("budget:", "trials: 3\nbudget:", "trials: is a budget of trials, and `budget` is given, too"),
        ("{seeds: 2}", "{seeds: 2, top: 2}", "confirm.top: one winner of each recipe is confirmed; leave it out"),
        ("objective: {", "objectives: [lines, psnr]\nobjective: {", "objective: give one metric here, or several"),
        ("objective: {", "objectives: [lines, psnr]\n#", "objectives: a front is of one recipe; give `recipe`, or one"),
        ("objective: {", "objectives: [lines]\n#", "objective: give one metric here, or several under `objectives`"),
        ("objective: {", "objectives: [psnr, psnr]\n#", "objectives: got ['psnr', 'psnr'], expected different metrics"),
        ("sampler: random", "sampler: random\ncontrol: random", "control: the sampler is random itself"),
        ("pruner: none", "pruner: wilcoxon", "pruner: wilcoxon compares after each seed but the last"),
        ("  small: {", "  small: {critics.patch.sampler.kk: auto, ", "small: search: critics.patch.sampler.kk: the"),
        ("  small: {", "  other: []\n  small: {", "search: other: got [], expected auto, or paths with their ranges"),
        ("{trials: 2}", "{steps: 9}", "small: train.steps: a budget of steps needs it"),
    ],
)
def test_a_search_over_several_that_makes_no_sense(several: Path, old: str, new: str, says: str) -> None:
    text = several.read_text()
    assert old in text
    several.write_text(text.replace(old, new))
    if new[1:] == "steps: 9}":
        several.write_text(several.read_text().replace("steps: 2,", "steps: null, stages: [{name: all, epochs: 1}],"))
    with pytest.raises(ToonlabError) as caught:
        plans_of(*read_search(str(several)), discover(), {})
    assert says in str(caught.value)


def test_a_search_over_several_is_no_comparison(several: Path) -> None:
    from toonlab.studies.plan.experiment import read_experiment

    with pytest.raises(RecipeError, match=r"a search, not a comparison: it has `search`; use toonlab tune"):
        read_experiment(str(several))
