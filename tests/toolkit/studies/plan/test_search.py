"""Searches: their spaces, completed from what plugins declare."""

from __future__ import annotations

from pathlib import Path

import pytest
from searches import SEARCH, SIZE, K, plan_of

from toonlab import discover
from toonlab.errors import RecipeError
from toonlab.studies.plan.search import Range, is_search, read_search, recipe_of


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
