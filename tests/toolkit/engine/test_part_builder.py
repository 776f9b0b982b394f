"""Parts are built one by one, a probe goes through them, and every problem is collected."""

from pathlib import Path

import pytest
import torch

from toonlab import discover
from toonlab.engine.builder import build
from toonlab.engine.part_builder import PartBuilder, Unbuilt
from toonlab.errors import RecipeError
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.distributed import DistributedContext

HERE = DistributedContext(torch.device("cpu"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


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
    assert "generator.network: can't take images of 34x34 pixels and 3 channels" in text


def test_the_probe_tells_the_discriminator_its_channels(small: Path, catalogue: Catalogue) -> None:
    gan = build(load(small, catalogue), catalogue, HERE)
    channels = {name: next(critic.net.parameters()).shape[1] for name, critic in gan.critics.items()}
    assert channels == {"image": 3, "patch": 1}


def test_a_loss_of_two_stages_with_other_weights_is_one_object(small: Path, catalogue: Catalogue) -> None:
    gan = build(load(small, catalogue), catalogue, HERE)
    assert gan.stage_losses[0]["content"][1] is gan.stage_losses[1]["content"][1]


def test_a_factory_that_makes_no_module_is_a_problem(small: Path, catalogue: Catalogue) -> None:
    recipe = load(small, catalogue)
    builder = PartBuilder(recipe, catalogue)
    assert builder.module("generator.network", recipe.generator.losses["tv"]) is None
    (problem,) = builder.problems
    assert str(problem).startswith("generator.network: total_variation made a ")
    assert "expected an nn.Module" in str(problem)


def test_the_probe_leaves_a_network_as_it_is(small: Path, catalogue: Catalogue) -> None:
    builder = PartBuilder(load(small, catalogue), catalogue)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    builder.probe("x", net, torch.rand(1, 3, 4, 4))
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    builder.probe("x", net, torch.rand(1, 4, 4, 4))
    assert str(builder.problems[0]).startswith("x: can't take images of 4x4 pixels and 4 channels: RuntimeError")
    assert net.training


def test_the_stand_in_of_a_critic_answers_with_the_mean_over_channels() -> None:
    images = torch.rand(2, 3, 4, 4)
    assert torch.equal(Unbuilt()(images), images.mean(1, keepdim=True))
