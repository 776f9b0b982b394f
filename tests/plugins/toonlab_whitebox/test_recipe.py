from __future__ import annotations

import pytest
import torch

from toonlab import Batch, discover
from toonlab.engine.builder import build
from toonlab.engine.stages import enter
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.distributed import DistributedContext

DATA = ["data.photos=photos", "data.cartoons=cartoons"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return load("whitebox", catalogue, DATA)


def test_weights_are_the_originals_at_its_size(recipe: Recipe):
    """There the features' L1 is divided by their number, and the sum of the two means of TV by that of the pixels."""
    weights = {name: part.weight for name, part in recipe.generator.losses.items()}
    assert weights["content"] == pytest.approx(200 / (32 * 32 * 512), rel=1e-3)
    assert weights["structure"] == weights["content"]
    assert weights["total_variation"] == pytest.approx(1e4 * 2 / (3 * 256 * 256), rel=1e-3)
    assert (recipe.train.size, recipe.train.batch, recipe.train.order) == (256, 16, "generator_first")
    assert [stage.steps for stage in recipe.stages] == [50_000, 100_000]


@pytest.mark.parametrize("name", ["whitebox", "whitebox_salient", "whitebox_random"])
def test_both_stages_train_at_tiny(catalogue: Catalogue, name: str):
    recipe = load(name, catalogue, ["train.batch=2"], at=["tiny"])
    gan = build(recipe, catalogue, DistributedContext(torch.device("cpu")))
    photo, cartoon = torch.rand(2, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pretraining, adversarial = (
        gan.step(enter(gan, recipe, stage, stage, stage + 1, None), Batch(photo, cartoon), stage) for stage in (0, 1)
    )
    assert set(pretraining) == {"generator/reconstruction", "generator/total"}
    terms = {"content", "structure", "total_variation", "adversarial/surface", "adversarial/texture", "total"}
    critics = {f"critic/{critic}/{term}" for critic in ("surface", "texture") for term in ("adversarial", "total")}
    assert set(adversarial) == {f"generator/{term}" for term in terms} | critics
    assert all(value.isfinite() and value > 0 for value in (*pretraining.values(), *adversarial.values()))
    for net in (gan.generator, *(critic.net for critic in gan.critics.values())):
        assert all(parameter.grad is not None for parameter in net.parameters())
