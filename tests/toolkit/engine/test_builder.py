"""Building a recipe: initial weights by place, the probe's findings, the plan of stages."""

from pathlib import Path

import pytest
import torch

from toonlab import discover
from toonlab.engine.builder import build, build_fixed
from toonlab.engine.data import Steps
from toonlab.engine.gan import GAN
from toonlab.engine.weights import read_weights, weights_of
from toonlab.errors import RecipeError
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.distributed import DistributedContext

HERE = DistributedContext(torch.device("cpu"))
NO_STAGES = "stages=null"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def weights(gan: GAN) -> dict[str, torch.Tensor]:
    nets = {"generator": gan.generator, **{name: critic.net for name, critic in gan.critics.items()}}
    return {f"{net}.{name}": tensor for net, module in nets.items() for name, tensor in module.state_dict().items()}


def image_order(recipe: Recipe, catalogue: Catalogue) -> list[torch.Tensor]:
    steps = Steps(*recipe.data.make(catalogue).train(), recipe.train)
    items = [steps[i] for i in range(4)]
    return [tensor for item in items if isinstance(item, tuple) for tensor in item[:2]]


@pytest.mark.parametrize(
    "change",
    [
        "critics.patch=null",
        "critics.patch.sampler=random_patches",
        "generator.losses.color={weight: 2}",
        "train.steps=9",
    ],
)
def test_changing_one_part_leaves_the_others_and_the_images_bit_identical(
    small: Path, catalogue: Catalogue, change: str
) -> None:
    base = load(small, catalogue, [NO_STAGES, "critics.patch.sampler.patch_size=16"])
    other = load(small, catalogue, [NO_STAGES, change, *_keep_patch_size(change)])
    ours, theirs = weights(build(base, catalogue, HERE)), weights(build(other, catalogue, HERE))
    shared = ours.keys() & theirs.keys()
    assert {name.partition(".")[0] for name in shared} >= {"generator", "image"}
    assert all(torch.equal(ours[name], theirs[name]) for name in shared)
    pairs = zip(image_order(base, catalogue), image_order(other, catalogue), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def _keep_patch_size(change: str) -> list[str]:
    return ["critics.patch.sampler.patch_size=16"] if "random_patches" in change else []


def test_another_seed_gives_other_weights(small: Path, catalogue: Catalogue) -> None:
    one, two = (build(load(small, catalogue, [f"train.seed={s}"]), catalogue, HERE) for s in (0, 1))
    first = "generator.a_full.0.weight"
    assert not torch.equal(weights(one)[first], weights(two)[first])


def test_building_leaves_the_global_generator_alone(small: Path, catalogue: Catalogue) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    build(load(small, catalogue), catalogue, HERE)
    assert torch.equal(torch.rand(2), expected)


UNTAUGHT = ["generator.losses=null", "critics=null", NO_STAGES]


def test_a_generator_that_learns_needs_losses_or_critics(small: Path, catalogue: Catalogue) -> None:
    with pytest.raises(RecipeError, match="ctss_plain has to learn, but nothing teaches it; give generator"):
        build_fixed(load(small, catalogue, UNTAUGHT), catalogue)
    stages = "stages=[{name: idle, share: 0.5, critics: [], losses: {}}, {name: busy, share: 0.5, losses: {}}]"
    with pytest.raises(RecipeError) as caught:
        build(load(small, catalogue, [stages]), catalogue, HERE)
    (problem,) = caught.value.problems
    assert str(problem).startswith("stages.0: 'idle' has neither losses nor critics")


def test_a_generator_that_does_not_learn_needs_neither(small: Path, catalogue: Catalogue) -> None:
    with pytest.raises(RecipeError, match="identity has nothing to learn; remove losses, critics and stages"):
        build(load(small, catalogue, ["generator.network=identity"]), catalogue, HERE)
    fixed = build_fixed(load(small, catalogue, ["generator.network=identity", *UNTAUGHT]), catalogue)
    photo = torch.rand(1, 3, 5, 7)
    assert torch.equal(fixed(photo), photo)


@pytest.fixture
def saved(small: Path, catalogue: Catalogue) -> Path:
    """A file of other weights for the small recipe's generator."""
    recipe = load(small, catalogue, ["train.seed=8"])
    generator = build(recipe, catalogue, HERE).generator
    (small.parent / "w.safetensors").write_bytes(weights_of(generator, recipe.tree))
    return small.parent / "w.safetensors"


def test_a_generator_begins_with_the_weights_that_the_recipe_names(
    small: Path, saved: Path, catalogue: Catalogue
) -> None:
    plain = weights(build(load(small, catalogue), catalogue, HERE))
    begun = build(load(small, catalogue, [f"generator.weights={saved}", "train.ema=0.9"]), catalogue, HERE)
    given = read_weights(saved)[0]
    assert any(not torch.equal(tensor, plain[f"generator.{name}"]) for name, tensor in given.items())
    for name, tensor in weights(begun).items():
        expected = given[name.removeprefix("generator.")] if name.startswith("generator.") else plain[name]
        assert torch.equal(tensor, expected)
    assert begun.ema is not None
    assert all(
        torch.equal(tensor, given[name.removeprefix("generator.")])
        for name, tensor in begun.ema.module.state_dict().items()
        if name.startswith("generator.")
    )
    assert all(parameter.requires_grad for parameter in begun.generator.parameters())


@pytest.mark.parametrize(
    ("width", "weights", "text"),
    [
        (
            4,
            "w.safetensors",
            r"the weights don't fit 'ctss_plain': a_full.0.weight is \(2, 3, 7, 7\) in the file and \(4",
        ),
        (2, "nowhere.safetensors", "nowhere.safetensors: no such run, file of weights or recipe"),
    ],
)
def test_weights_that_do_not_fit_are_a_problem_of_the_recipe(
    small: Path, saved: Path, catalogue: Catalogue, width: int, weights: str, text: str
) -> None:
    changes = [f"generator.network.width={width}", f"generator.weights={saved.with_name(weights)}"]
    with pytest.raises(RecipeError, match=f"generator.weights: .*{text}"):
        build(load(small, catalogue, changes), catalogue, HERE)


def test_weights_make_a_generator_that_is_measured_as_it_is(small: Path, saved: Path, catalogue: Catalogue) -> None:
    nothing = ["critics={image: null, patch: null}", "generator.losses={content: null, tv: null}", "stages=null"]
    with pytest.raises(RecipeError, match="ctss_plain has to learn, but nothing teaches it"):
        build_fixed(load(small, catalogue, nothing), catalogue)
    generator = build_fixed(load(small, catalogue, [*nothing, f"generator.weights={saved}"]), catalogue)
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    assert all(torch.equal(tensor, generator.state_dict()[name]) for name, tensor in read_weights(saved)[0].items())
