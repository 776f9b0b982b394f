from __future__ import annotations

import pytest

from toonlab import Catalogue, RecipeError
from toonlab.recipes.load import load


@pytest.mark.parametrize(
    ("kind", "parameters"), [("generators", {"width": 0}), ("discriminators", {"in_channels": 3, "width": 0})]
)
def test_constraints(catalogue: Catalogue, kind: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make(kind, "animegan", **parameters)


def test_recipe_has_the_original_s_settings(catalogue: Catalogue):
    recipe = load("animegan", catalogue, ["data.photos=a", "data.cartoons=b"])
    weights = {name: loss.weight for name, loss in recipe.generator.losses.items()}
    critic = recipe.critics["image"]
    assert weights == {"content": 1.5, "gram": 3, "color": 10}
    assert {name: loss.weight for name, loss in critic.losses.items()} == {
        "gray_suppression": 1,
        "smooth_suppression": 0.1,
    }
    assert (critic.weight.critic, critic.weight.generator) == (300, 300)
    assert [stage.epochs for stage in recipe.stages] == [5, 96]
    rates = [part.arguments["lr"] for part in (recipe.stages[0].generator_optimizer, recipe.generator.optimizer)]
    assert [*rates, critic.optimizer.arguments["lr"]] == [1e-4, 8e-5, 1.6e-4]
    assert (recipe.train.batch, recipe.train.size) == (6, 256)


def test_recipe_of_v2_has_the_original_s_settings_for_hayao(catalogue: Catalogue):
    recipe = load("animegan_v2", catalogue, ["data.photos=a", "data.cartoons=b"])
    weights = {name: loss.weight for name, loss in recipe.generator.losses.items()}
    critic = recipe.critics["image"]
    assert weights == {"content": 1.5, "gram": 2.5, "color": 15, "total_variation": 1}
    assert critic.weight.generator == 300
    factors = [loss.weight * critic.weight.critic / 300 for loss in critic.losses.values()]
    assert [critic.weight.critic / 300, *factors] == pytest.approx([1.2, 1.2, 0.8], rel=1e-3)
    assert recipe.tree["critics"]["image"]["discriminator"]["norm"] == "layer"
    assert [stage.epochs for stage in recipe.stages] == [10, 91]
    rates = [part.arguments["lr"] for part in (recipe.stages[0].generator_optimizer, recipe.generator.optimizer)]
    assert [*rates, critic.optimizer.arguments["lr"]] == [2e-4, 2e-5, 4e-5]
    assert (recipe.train.batch, recipe.train.size) == (12, 256)
