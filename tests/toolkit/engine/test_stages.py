"""The plan of stages, and the optimizers that each begins with."""

from pathlib import Path

import pytest
import torch

from toonlab import discover
from toonlab.engine.builder import build
from toonlab.engine.stages import enter, loss_modules, plan, trainable
from toonlab.errors import ToonlabError
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.distributed import DistributedContext

HERE = DistributedContext(torch.device("cpu"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


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
    with pytest.raises(ToonlabError, match=r"train\.steps: got 1, fewer than the 2 stages"):
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


def test_a_fused_optimizer_is_taken_unless_the_recipe_says_otherwise(small: Path, catalogue: Catalogue) -> None:
    for given, fused in (("", True), (", fused: false", False), (", foreach: true", None)):
        recipe = load(small, catalogue, [f"generator.optimizer={{use: Adam, lr: 1e-3{given}}}"])
        stage = enter(build(recipe, catalogue, HERE), recipe, 0, 0, 2, None)
        assert stage.generator_state.optimizer is not None
        assert stage.generator_state.optimizer.defaults["fused"] == fused


def test_losses_with_parameters_are_trained_and_frozen_ones_are_not() -> None:
    learned, frozen = torch.nn.Linear(2, 1), torch.nn.Linear(3, 1).requires_grad_(False)
    modules = loss_modules({"a": (1.0, learned), "b": (2.0, torch.sum), "c": (1.0, frozen)})
    assert modules == [learned, frozen]
    assert trainable(modules) == [learned.weight, learned.bias]
