"""Typed recipes and the plain data that follow from them."""

import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from toonlab import discover
from toonlab.recipes.load import load
from toonlab.recipes.spec import CriticSpec, GeneratorSpec, Part, Recipe, StageSpec, TorchPart, Weight, plain
from toonlab.registry.catalogue import Catalogue
from toonlab.utils import paths, yaml


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture
def recipe(small: Path, catalogue: Catalogue) -> Recipe:
    return load(small, catalogue)


def test_the_tree_follows_from_the_fields(recipe: Recipe) -> None:
    longer = replace(recipe, train=replace(recipe.train, steps=9))
    assert longer.tree == {**recipe.tree, "train": {**recipe.tree["train"], "steps": 9}}
    assert replace(recipe, critics={}).tree == {**recipe.tree, "critics": {}}
    with pytest.raises(FrozenInstanceError):
        recipe.about = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="unexpected keyword argument 'tree'"):
        replace(recipe, tree={})


def test_sections_stand_in_the_order_of_recipe_files(recipe: Recipe) -> None:
    sections = ["about", "data", "features", "generator", "generators", "streams", "critics", "train", "stages"]
    sections += ["evaluate", "observers"]
    assert list(recipe.tree) == sections
    critic = ["sampler", "representation", "discriminator", "objective", "losses", "weight", "optimizer"]
    critic += ["real", "fake", "pool"]
    assert list(recipe.tree["critics"]["patch"]) == critic
    assert list(recipe.tree["stages"][0]) == ["share", "name", "keep_optimizers", "critics", "losses"]


@pytest.mark.parametrize("name", paths.listed("baselines"))
def test_a_resolved_tree_is_plain_yaml(name: str, catalogue: Catalogue) -> None:
    tree = load(name, catalogue, ["data={use: toonworld}"]).tree
    assert yaml.load(yaml.dump(tree), name) == tree


def test_what_is_left_out_and_what_is_null() -> None:
    optimizer, part = TorchPart("Adam", {"betas": (0.5, 0.999)}), Part("samplers", "ctss", {"k": 1})
    assert plain(GeneratorSpec(part, optimizer)) == {
        "network": {"use": "ctss", "k": 1},
        "optimizer": {"use": "Adam", "betas": [0.5, 0.999]},
        "losses": {},
        "weights": None,
    }
    assert plain(GeneratorSpec(part, optimizer, weights=Path("a/b")))["weights"] == "a/b"
    critic = plain(CriticSpec(sampler=part, discriminator=part, objective=part, optimizer=optimizer))
    assert critic["representation"] is None
    assert critic["weight"] == {"critic": 1.0, "generator": 1.0}
    assert "schedule" not in critic
    assert plain(StageSpec(name="a", steps=3)) == {"steps": 3, "name": "a", "keep_optimizers": False}
    assert plain(StageSpec(name="a", share=1.0, critics=(), losses={}, schedule=optimizer)) == {
        "share": 1.0,
        "name": "a",
        "keep_optimizers": False,
        "critics": [],
        "losses": {},
        "schedule": {"use": "Adam", "betas": [0.5, 0.999]},
    }


def test_only_losses_have_a_weight_of_their_own() -> None:
    loss = Part("generator_losses", "content", {"layer": Path("a/b"), "sides": (1, 2)}, 2.0)
    assert plain(loss) == {"use": "content", "weight": 2.0, "layer": "a/b", "sides": [1, 2]}
    assert plain(replace(loss, kind="discriminator_losses"))["weight"] == 2.0
    assert plain(replace(loss, kind="metrics")) == {"use": "content", "layer": "a/b", "sides": [1, 2]}


def test_parts_are_found_by_their_paths(recipe: Recipe) -> None:
    assert recipe.part_at["critics.patch.sampler"] is recipe.critics["patch"].sampler
    assert recipe.part_at["stages.0.losses.content"].weight == 5
    assert recipe.part_at["evaluate.metrics.1"].use == "psnr"
    assert "critics.image.representation" not in recipe.part_at  # None
    assert "critics.patch" not in recipe.part_at  # no part, but a section
    named: Mapping[str, Part] = recipe.part_at
    assert all(part.use == at(recipe.tree, path)["use"] for path, part in named.items())


def at(tree: object, path: str) -> Mapping[str, object]:
    for key in path.split("."):
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]  # type: ignore[index]
    assert isinstance(tree, Mapping)
    return tree


def test_parts_are_all_but_the_observers(small: Path, catalogue: Catalogue) -> None:
    recipe = load(small, catalogue, ["observers={progress: {}}"])
    kinds = [part.kind for part in recipe.parts]
    assert "observers" in {part.kind for part in recipe.part_at.values()}
    assert "observers" not in kinds
    assert kinds.count("samplers") == kinds.count("discriminators") == 2
    assert kinds.count("generator_losses") == 3  # two of the recipe, one of its first stage
    assert {"datasets", "features", "generators", "objectives", "representations", "metrics"} <= set(kinds)


def test_a_part_is_built_by_its_plugins_factory(recipe: Recipe, catalogue: Catalogue) -> None:
    sampler = recipe.critics["patch"].sampler.make(catalogue)
    assert (type(sampler).__module__.partition(".")[0], sampler.k) == ("toonlab_ctss", 2)
    network = recipe.critics["patch"].discriminator.make(catalogue, in_channels=1)
    assert next(network.parameters()).shape[1] == 1


def test_a_recipe_travels_between_processes(recipe: Recipe) -> None:
    tree = recipe.tree
    other = pickle.loads(pickle.dumps(recipe))
    assert other == recipe
    assert other.tree == tree


def test_weights_are_one_by_default() -> None:
    assert Weight() == Weight(critic=1, generator=1)
