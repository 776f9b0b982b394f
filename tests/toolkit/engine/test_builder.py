"""Building a recipe: initial weights by place, the probe's findings, the plan of stages."""

from pathlib import Path

import pytest
import torch

from toonlab import discover
from toonlab.engine.builder import build, build_fixed
from toonlab.engine.data import Steps
from toonlab.engine.gan import GAN
from toonlab.engine.stages import enter, plan
from toonlab.errors import RecipeError, ToonlabError
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
    return [tensor for item in items if isinstance(item, tuple) for tensor in item]


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


def test_the_probe_finds_everything_that_does_not_fit(small: Path, catalogue: Catalogue) -> None:
    wrong = [
        "critics.patch.sampler.k=99",
        "train.size=34",
        "critics.image.sampler={use: random_patches, patch_size: 64}",
    ]
    with pytest.raises(RecipeError) as caught:
        build(load(small, catalogue, wrong), catalogue, HERE)
    text = str(caught.value)
    assert "critics.patch.sampler: ctss: k=99" in text
    assert "k can be at most" in text
    assert "critics.image.sampler" in text
    assert "64" in text
    assert "generator.network: can't take an input of 3x34x34" in text


def test_the_probe_tells_the_discriminator_its_channels(small: Path, catalogue: Catalogue) -> None:
    gan = build(load(small, catalogue), catalogue, HERE)
    channels = {name: next(critic.net.parameters()).shape[1] for name, critic in gan.critics.items()}
    assert channels == {"image": 3, "patch": 1}


@pytest.mark.parametrize(
    ("stages", "steps", "expected"),
    [
        ("[{name: a, epochs: 10}, {name: b, epochs: 70}]", None, [(0, 40), (40, 320)]),
        ("[{name: a, epochs: 10}, {name: b, epochs: 70}]", 400, [(0, 50), (50, 400)]),
        ("[{name: a, steps: 3}, {name: b, epochs: 0.5}]", None, [(0, 3), (3, 5)]),
        ("[{name: a, share: 0.25}, {name: b, share: 0.75}]", 10, [(0, 2), (2, 10)]),
        ("[{name: a, share: 0.01}, {name: b, share: 0.99}]", 10, [(0, 1), (1, 10)]),
        ("[{name: a, share: 0.99}, {name: b, share: 0.01}]", 3, [(0, 2), (2, 3)]),
    ],
)
def test_the_plan_of_stages(
    small: Path, catalogue: Catalogue, stages: str, steps: int | None, expected: list[tuple[int, int]]
) -> None:
    recipe = load(small, catalogue, [f"stages={stages}", f"train.steps={'null' if steps is None else steps}"])
    assert [(start, stop) for _, start, stop in plan(recipe, per_epoch=4)] == expected


def test_fewer_steps_than_stages(small: Path, catalogue: Catalogue) -> None:
    recipe = load(small, catalogue, ["train.steps=1"])
    with pytest.raises(ToonlabError, match=r"train\.steps: 1 steps are fewer than the 2 stages"):
        plan(recipe, per_epoch=4)


def test_a_stage_has_its_own_critics_losses_and_optimizers(small: Path, catalogue: Catalogue) -> None:
    overrides = [
        "stages.0.generator_optimizer={lr: 0.5}",
        "stages.1.schedule={use: StepLR, step_size: 1, gamma: 0.1}",
        "stages.1.keep_optimizers=true",
    ]
    recipe = load(small, catalogue, overrides)
    gan = build(recipe, catalogue, HERE)
    warm_up = enter(gan, recipe, 0, 0, 2, None)
    main = enter(gan, recipe, 1, 2, 4, warm_up)
    assert warm_up.critics == ()
    assert set(warm_up.losses) == {"content"}
    assert warm_up.losses["content"][0] == 5
    assert [critic.name for critic in main.critics] == ["image", "patch"]
    assert main.generator_state.optimizer is warm_up.generator_state.optimizer
    assert main.generator_state.schedule is not None
    kept = main.generator_state.optimizer
    assert kept is not None
    assert kept.param_groups[0]["lr"] == 0.5
    fresh = enter(gan, load(small, catalogue), 1, 2, 4, warm_up)
    assert fresh.generator_state.optimizer is not warm_up.generator_state.optimizer


def test_a_loss_of_two_stages_with_other_weights_is_one_object(small: Path, catalogue: Catalogue) -> None:
    gan = build(load(small, catalogue), catalogue, HERE)
    assert gan.stage_losses[0]["content"][1] is gan.stage_losses[1]["content"][1]


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
