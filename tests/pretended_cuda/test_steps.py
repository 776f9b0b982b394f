"""A step of every recipe in every stage on a GPU that is not there: no tensor on the wrong device, and no wait."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from pretended import CUDA, Watch, batch_of, pretended, training
from torch import Tensor
from torch._subclasses.fake_tensor import DynamicOutputShapeException

from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue, discover

BASELINES = Path(__file__).parents[2] / "baselines"
NOT_LEARNED = {"identity", "canny", "classic", "dots"}  # they have no steps
NAMES = sorted({path.stem for path in BASELINES.glob("*.yaml")} - NOT_LEARNED)
OPTIONS: dict[str, tuple[str, list[str]]] = {
    "a moving average": ("ctss", ["train.ema=0.999"]),
    "a generator that waits": ("ctss", ["train.generator_every=2"]),
    "bf16": ("ctss", ["train.precision=bf16"]),
    "bf16 with superpixels": ("whitebox", ["train.precision=bf16"]),
    "channels last": ("animegan", ["train.channels_last=true"]),
    "a penalty": ("ctss", ["critics.image.losses={gradient_penalty: {weight: 10}}"]),
    "a penalty around photos": ("ctss", ["critics.image.losses={gradient_penalty: {weight: 10, mode: dragan}}"]),
    "patches by the critic": ("ctss", ["critics.image.sampler={use: hard_patches, patch_size: 32}"]),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def waits(name: str, catalogue: Catalogue, *overrides: str) -> dict[str, dict[str, int]]:
    """What a step of each stage waits for; where the first one makes tables that are kept, the second."""
    recipe = load(name, catalogue, ["observers.mlflow=null", "observers.progress=null", *overrides], ["tiny"])
    train, found = recipe.train, {}
    with training(recipe, catalogue) as (gan, stages):
        for stage in stages:
            batch = batch_of(train.batch, train.size, train.channels_last)
            for number in range(2):
                with Watch() as watch:
                    scalars = gan.step(stage, batch, number)
                if not (watch.waits or train.ema) and number + 1 == train.generator_every:
                    break  # the second step makes no tables, and averages
            assert {value.device for value in scalars.values()} == {CUDA}
            assert watch.kernels.total() > 100
            found[stage.name] = dict(watch.waits)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_step_waits_for_nothing(name: str, catalogue: Catalogue) -> None:
    assert {stage: found for stage, found in waits(name, catalogue).items() if found} == {}


@pytest.mark.parametrize("option", OPTIONS)
def test_nor_does_it_with_an_option_of_training(option: str, catalogue: Catalogue) -> None:
    name, overrides = OPTIONS[option]
    assert {stage: found for stage, found in waits(name, catalogue, *overrides).items() if found} == {}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda values: values.sum().item(), "_local_scalar_dense"),
        (lambda values: float(values[0, 0]), "_local_scalar_dense"),
        (lambda values: bool(values.sum() > 0), "_local_scalar_dense"),
        (lambda values: torch.equal(values, values), "equal"),
        (lambda values: values.cpu(), "copy from cuda to cpu without non_blocking"),
        (lambda values: torch.zeros(2).to(values.device), "copy from cpu to cuda without non_blocking"),
        (lambda values: values.copy_(torch.zeros(8, 8)), "copy from cpu to cuda without non_blocking"),
        (lambda values: torch.zeros(2**16).to(values.device, non_blocking=True), "of 262144 bytes that are not pinned"),
        (lambda values: torch.nonzero(values), "nonzero"),
        (lambda values: values[0].clone().index_put_((values[0] > 0,), values[0, 0]), "index_put_"),
    ],
)
def test_waits_are_found(made: Callable[[Tensor], object], expected: str) -> None:
    with pretended():
        values = torch.empty(8, 8, device="cuda")
        with Watch() as watch, suppress(DynamicOutputShapeException):
            made(values)
    assert any(expected in wait for wait in watch.waits), watch.waits


def test_what_does_not_wait_is_not_reported() -> None:
    with pretended():
        values = torch.empty(8, 8, device="cuda")
        with Watch() as watch:
            torch.zeros(2).to(values.device, non_blocking=True)
            torch.zeros(2**16, pin_memory=True).to(values.device, non_blocking=True)
            values.sum().to("cpu", non_blocking=True)
            values[torch.zeros(2, dtype=torch.int64, device="cuda")].sort(stable=True)
    assert not watch.waits


def test_a_tensor_on_the_wrong_device_is_an_error() -> None:
    with pretended(), pytest.raises(RuntimeError, match="device"):
        torch.empty(2, device="cuda") + torch.empty(2)
