"""`toonlab.train` does what `toonlab train` does."""

from __future__ import annotations

import json
import os
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import toonlab
from toonlab import train
from toonlab.api.arguments import pairs
from toonlab.api.train import load_recipe
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue

Toonlab = Callable[..., Any]


def test_a_run_of_the_command_is_found_and_not_run_again(small: Path, home: Path, toonlab: Toonlab) -> None:
    typed = toonlab("train", "small.yaml", "train.steps=2", "critics.patch=null", "observers.mlflow=null")
    assert typed.wait() == 0, typed.stderr
    (directory,) = Path("runs/small").iterdir()
    called = train("small.yaml", train={"steps": 2}, critics={"patch": None}, observers={"mlflow": None})
    assert called.reused
    assert called.directory == directory
    assert called.directory.name.endswith(called.identity[:8])


def test_sections_and_dotted_names_make_the_same_run_as_the_command(small: Path, catalogue: Catalogue) -> None:
    typed = [
        "train.steps=2",
        "critics.patch.sampler.k=1",
        "critics.image=null",
        "critics.patch.sampler={use: ctss, k: 3}",
    ]
    in_sections = {
        "train": {"steps": 2},
        "critics": {"patch": {"sampler": {"k": 1}}, "image": None},
        "critics.patch.sampler": {"use": "ctss", "k": 3},
    }
    dotted = {"train.steps": 2, "critics.patch.sampler.k": 3, "critics.image": None}
    tree = load(small, catalogue, typed).tree
    assert tree["critics"]["patch"]["sampler"]["patch_size"] == 16  # what was not named stayed
    for given in (in_sections, dotted):
        assert load_recipe(small, catalogue, pairs(given)).tree == tree


def test_a_part_with_use_takes_the_place_of_another(small: Path, catalogue: Catalogue) -> None:
    given = {"critics": {"patch": {"sampler": {"use": "random_patches", "k": 1, "patch_size": 16}}}}
    tree = load_recipe(small, catalogue, pairs(given)).tree
    assert tree == load(small, catalogue, ["critics.patch.sampler={use: random_patches, k: 1, patch_size: 16}"]).tree
    assert "stride_real" not in tree["critics"]["patch"]["sampler"]


def test_a_recipe_as_data_is_what_its_file_is(small: Path, catalogue: Catalogue) -> None:
    given = load_recipe(yaml.safe_load(small.read_text()), catalogue, [("train.steps", 2)], ["tiny"], "small")
    assert given == load(small, catalogue, ["train.steps=2"], ["tiny"])


def test_a_recipe_as_data_extends_others_and_has_their_overrides(tmp_path: Path, catalogue: Catalogue) -> None:
    data = {"extends": "animegan", "train": {"size": 48}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    given = load_recipe(data, catalogue, at=["tiny"])
    assert given.name == "animegan"
    assert given.tree == load(tmp_path / "own.yaml", catalogue, at=["tiny"]).tree
    assert given.tree["generator"]["losses"]["color"]["weight"] == 5  # what tiny has for animegan only


def test_everything_that_is_wrong_is_told_together_and_nothing_is_written(home: Path, data: Mapping[str, Any]) -> None:
    with pytest.raises(toonlab.RecipeError) as raised:
        toonlab.train(data, train={"stepz": 2, "batch": 0}, critics={"image": {"objective": "lsgun"}})
    assert {problem.path for problem in raised.value.problems} >= {"train.stepz", "train.batch"}
    assert "did you mean 'lsgan'?" in str(raised.value)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("recipe", "options", "says"),
    [
        ("ctsss", {}, "no such recipe; did you mean 'ctss'"),
        ("ctss", {"at": "tiney"}, "no such file of overrides"),
        ("ctss", {"at": "tiny", "name": "mine"}, "a recipe as data has one"),
        ("ctss", {"at": "tiny", "device": "cuda:99"}, "not usable here"),
        ("ctss", {"at": "tiny", "train.steps": {1, 2}}, "train.steps: got"),
        ({"extends": 3}, {}, "expected the name or the path of one recipe"),
        ({"extends": "ctss"}, {"name": "a/b"}, "can't name a folder"),
        ({}, {}, "generator"),
    ],
)
def test_mistakes_are_one_clear_error(recipe: Any, options: dict[str, Any], says: str, home: Path) -> None:
    with pytest.raises(toonlab.ToonlabError, match=says):
        toonlab.train(recipe, **options)
    assert not Path("runs").exists()


def test_the_call_stands_in_the_environment(run: toonlab.TrainedRun, small: Path, home: Path) -> None:
    trained = toonlab.train(small, train={"steps": 2}, runs="elsewhere", observers=None)
    told = json.loads((trained.directory / "environment.json").read_text())
    assert told["command"] == f"toonlab.train('{small}', runs='elsewhere', train={{'steps': 2}}, observers=None)"
    assert run.environment["command"] == f"toonlab.train({{…}}, name='<b>odd', runs={str(run.root)!r})"


def test_no_module_can_take_the_place_of_a_name() -> None:
    """Importing `toonlab.x` binds `x` in the package: a function of that name would be gone."""
    assert {module.name for module in pkgutil.iter_modules(toonlab.__path__)} & set(toonlab.__all__) == set()


def tracking_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.endswith("TRACKING_URI")}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, in MLflow
def test_the_tracking_uri_takes_the_place_of_the_recipes(home: Path, data: Mapping[str, Any]) -> None:
    mine, theirs = f"sqlite:///{home}/mine.db", f"sqlite:///{home}/theirs.db"
    before = tracking_variables()
    observers = {"mlflow": {"tracking_uri": theirs}}
    trained = toonlab.train(data, device="cpu", tracking_uri=mine, observers=observers, train={"steps": 1})
    assert tracking_variables() == before
    assert (home / "mine.db").exists()
    assert not (home / "theirs.db").exists()
    assert trained.recipe["observers"]["mlflow"]["tracking_uri"] == theirs  # the run's files keep the recipe's
