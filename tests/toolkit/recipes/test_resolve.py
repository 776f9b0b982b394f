"""Sections of a recipe: completed with their defaults, and everything that is wrong with them at once."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toonlab import discover
from toonlab.errors import RecipeError
from toonlab.recipes import torch_classes
from toonlab.recipes.dotted_tree import DottedTree, Tree
from toonlab.recipes.resolve import SECTIONS, exists, resolve, resolve_part
from toonlab.registry.catalogue import Catalogue
from toonlab.utils import yaml


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture
def tree(small: Path) -> Tree:
    return yaml.load_file(small)


def test_a_tree_is_left_as_it_is(tree: Tree, catalogue: Catalogue) -> None:
    before = copy.deepcopy(tree)
    resolve(tree, "small", catalogue)
    assert tree == before


def test_what_was_resolved_resolves_to_itself(tree: Tree, catalogue: Catalogue) -> None:
    recipe = resolve(tree, "small", catalogue)
    assert resolve(recipe.tree, "small", catalogue) == recipe
    assert (recipe.name, recipe.about) == ("small", "as small as a recipe with two critics can be")


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"generator": None}, ["generator: missing"]),
        ({"generator": 3}, ["generator: got 3, expected names with values"]),
        ({"data": None}, ["data: missing; give a dataset, such as"]),
        ({"critics.image": 5}, ["critics.image: got 5", "critics.image.discriminator: missing"]),
        ({"critics.image.weight": {"critik": 1}}, ["critics.image.weight.critik: unknown; did you mean 'critic'?"]),
        ({"critics.image.weight": -1}, ["critics.image.weight.critic: got -1, expected float, >= 0"]),
        ({"critics.image.smapler": "ctss"}, ["critics.image.smapler: unknown; did you mean 'sampler'?"]),
        ({"generator.los": {}}, ["generator.los: unknown; did you mean 'losses'?"]),
        ({"evaluate.metrics": "psnr"}, ["evaluate.metrics: got 'psnr', expected a list of metrics' names"]),
        ({"evaluate.samples": 0}, ["evaluate.samples: got 0, expected int, > 0"]),
        ({"train.select": "pnsr"}, ["train.select: 'pnsr' is neither last nor one of", "did you mean 'psnr'?"]),
        ({"train.steps": None}, ["train.steps: missing; give the number of steps"]),
        ({"stages.0.keep_optimizers": "perhaps"}, ["stages.0.keep_optimizers: got 'perhaps', expected bool"]),
        ({"stages.0.critics": "image"}, ["stages.0.critics: got 'image', expected a list of critics' names"]),
        ({"stages.0.critics": ["imag"]}, ["stages.0.critics: 'imag': no such critic; did you mean 'image'?"]),
        ({"stages.0.losses": [1]}, ["stages.0.losses: got [1], expected names with values"]),
        ({"stages.0.share": 2}, ["stages.0.share: got 2, expected float | null, > 0, <= 1"]),
    ],
)
def test_problems(tree: Tree, catalogue: Catalogue, changes: dict[str, Any], problems: list[str]) -> None:
    dotted = DottedTree(tree)
    for path, value in changes.items():
        dotted.set(path, value)
    with pytest.raises(RecipeError) as caught:
        resolve(tree, "small", catalogue)
    for problem in problems:
        assert problem in str(caught.value)


def test_problems_of_all_sections_come_together(catalogue: Catalogue) -> None:
    wrong = {
        "data": {"use": "folder"},
        "features": {"use": "vgg91"},
        "generator": {"network": "unet?", "optimizer": {"lr": -1}},
        "critics": {"patch": {"discriminator": {"use": "ctss_patch", "width": 0}, "objective": "lsgan"}},
        "train": {"size": "big", "batch": 0},
        "evaluate": {"metrics": [{"use": "psnr", "weight": 1}]},
        "observers": {"progres": {}},
        "stage": [],
    }
    with pytest.raises(RecipeError) as caught:
        resolve(wrong, "wrong", catalogue, source="wrong.yaml")
    assert str(caught.value).startswith("wrong.yaml: stage: unknown section; did you mean 'stages'?\n")
    assert [problem.path for problem in caught.value.problems] == [
        "stage",
        "data.photos",
        "data.cartoons",
        "features.use",
        "generator.network.use",
        "generator.optimizer",
        "critics.patch.discriminator.width",
        "train.size",
        "train.batch",
        "evaluate.metrics.0.weight",
        "observers.progres.use",
    ]


def test_a_missing_length_is_not_told_where_the_section_is_wrong_anyway(tree: Tree, catalogue: Catalogue) -> None:
    tree["train"] = {"steps": "many"}
    with pytest.raises(RecipeError) as caught:
        resolve(tree, "small", catalogue)
    assert [problem.path for problem in caught.value.problems] == ["train.steps"]


def test_critics_that_are_null_are_not_there(tree: Tree, catalogue: Catalogue) -> None:
    tree["critics"]["image"] = None
    assert list(resolve(tree, "small", catalogue).critics) == ["patch"]


def test_a_critics_weight_is_one_number_or_two(tree: Tree, catalogue: Catalogue) -> None:
    tree["critics"]["image"]["weight"] = {"critic": 2}
    critics = resolve(tree, "small", catalogue).critics
    assert (critics["image"].weight.critic, critics["image"].weight.generator) == (2, 1)
    assert (critics["patch"].weight.critic, critics["patch"].weight.generator) == (3, 3)


def test_stages_start_from_the_generators_losses_and_optimizer(tree: Tree, catalogue: Catalogue) -> None:
    tree["generator"]["optimizer"] = {"use": "SGD", "lr": 0.1, "momentum": 0.9}
    tree["generator"]["losses"]["plain"] = "content"
    tree["stages"] = [
        {"share": 0.5, "generator_optimizer": {"lr": 0.2}, "losses": {"plain": {"weight": 4}}},
        {"share": 0.5, "generator_optimizer": "Adam", "losses": {"tv": None}},
    ]
    first, second = resolve(tree, "small", catalogue).stages
    assert (first.name, second.name) == ("stage 1", "stage 2")
    assert first.generator_optimizer is not None
    assert first.generator_optimizer.use == "SGD"
    assert first.generator_optimizer.arguments == {"lr": 0.2, "momentum": 0.9}
    assert first.losses is not None
    assert (first.losses["plain"].use, first.losses["plain"].weight) == ("content", 4)
    assert second.generator_optimizer is not None
    assert (second.generator_optimizer.use, second.generator_optimizer.arguments) == ("Adam", {})
    assert second.losses == {}


def test_one_part_of_a_recipe_needs_no_other(catalogue: Catalogue) -> None:
    tree = {"data": "nonsense", "generator": {"network": {"use": "ctss_plain", "width": 3}}}
    part = resolve_part(tree, "generator.network", "generators", catalogue, "small.yaml")
    assert (part.use, part.parameters["width"]) == ("ctss_plain", 3)
    with pytest.raises(RecipeError, match=r"^small\.yaml: generator\.optimizer: missing; give a generator"):
        resolve_part(tree, "generator.optimizer", "generators", catalogue, "small.yaml")


# -- whether a path exists


THERE = [
    *SECTIONS,
    "data.size",
    "features.width",
    "generator.network.width",
    "generator.optimizer.lr",  # the default's
    "generator.losses.tv.weight",
    "critics.image.sampler.use",  # the default's
    "critics.image.representation",
    "critics.image.weight.generator",
    "critics.patch.weight.generator",
    "critics.patch.sampler.stride_fake",
    "train.ema",
    "stages.0.share",
    "stages.0.losses.content.weight",
    "stages.1.keep_optimizers",
    "evaluate.metrics.0.others",
]
NOT_THERE = [
    "extends",
    "optimizer",
    "data.sise",
    "generator.losses.gram.weight",
    "generator.optimizer.weight_decay",  # not given
    "generator.schedule",
    "critics.style",
    "critics.image.sampler.k",
    "critics.image.representation.use",
    "train.stepz",
    "stages.0.epochs",  # counts in shares
    "stages.1.losses",
    "stages.2.share",
    "observers.mlflow",
]


@pytest.mark.parametrize("path", THERE)
def test_paths_that_a_recipe_has(tree: Tree, catalogue: Catalogue, path: str) -> None:
    assert exists(tree, path, catalogue)
    assert path in DottedTree(resolve(tree, "small", catalogue).tree)


@pytest.mark.parametrize("path", NOT_THERE)
def test_paths_that_a_recipe_does_not_have(tree: Tree, catalogue: Catalogue, path: str) -> None:
    assert not exists(tree, path, catalogue)
    assert path not in DottedTree(resolve(tree, "small", catalogue).tree)


def test_a_section_that_is_wrong_hides_no_path_of_another(tree: Tree, catalogue: Catalogue) -> None:
    tree["data"], tree["generator"]["network"] = 3, {"use": "unknown"}
    assert exists(tree, "generator.losses.tv.weight", catalogue)
    assert exists(tree, "critics.patch.sampler.k", catalogue)
    assert exists(tree, "data", catalogue)
    assert not exists(tree, "data.size", catalogue)
    assert exists({"data": {"use": "folder", "photos": "???"}}, "data.photos", catalogue)  # which an experiment gives


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The optimizers that torch is asked about."""
    names: list[str] = []
    refusal: Callable[..., Any] = torch_classes.refusal

    def recorded(cls: type, arguments: Any) -> Any:
        names.append(cls.__name__)
        return refusal(cls, arguments)

    monkeypatch.setattr(torch_classes, "refusal", recorded)
    return names


def test_a_path_is_looked_for_in_its_own_section_alone(tree: Tree, catalogue: Catalogue, tried: list[str]) -> None:
    assert exists(tree, "train.steps", catalogue)
    assert exists(tree, "evaluate.samples", catalogue)
    assert tried == []  # a full resolution tries three
    resolve(tree, "small", catalogue)
    assert tried == ["Adam"] * 3


@pytest.mark.parametrize("critics", [True, 3, "x", [1], {"image": 1}])
def test_critics_of_a_stage_may_have_no_critics_to_name(tree: Tree, catalogue: Catalogue, critics: Any) -> None:
    tree["critics"] = critics
    tree["stages"] = [{"share": 1, "critics": [["a"], None]}]
    with pytest.raises(RecipeError, match=r"stages\.0\.critics: \['a'\]: no such critic"):
        resolve(tree, "x", catalogue)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epochs": float("inf")}, "stages.0.epochs: got inf, expected float | null, > 0"),
        ({"share": 1, "name": "???"}, "stages.0.name: must be given"),
        ({"share": 1, "losses": [1]}, "stages.0.losses: got [1], expected names with values"),
        (
            {"share": 1, "schedule": {"use": "MultiStepLR", "milestones": "x"}},
            "milestones: got 'x', expected list[int]",
        ),
        ({"x" * 5000: 1, "share": 1}, " … "),
    ],
)
def test_what_a_stage_can_be_given(tree: Tree, catalogue: Catalogue, change: Tree, says: str) -> None:
    tree["stages"] = [change]
    with pytest.raises(RecipeError) as caught:
        resolve(tree, "x", catalogue)
    assert says in str(caught.value)
    assert all(len(line) < 1300 for line in str(caught.value).splitlines())


def test_milestones_are_a_schedule(tree: Tree, catalogue: Catalogue) -> None:
    tree["generator"]["schedule"] = {"use": "MultiStepLR", "milestones": [1, 2]}
    schedule = resolve(tree, "x", catalogue).generator.schedule
    assert schedule is not None
    assert schedule.arguments == {"milestones": [1, 2]}
