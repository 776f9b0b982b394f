"""The estimate of a training's memory, against what trainings take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from toonlab import discover
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.studies.executors import memory
from toonlab.studies.executors.memory import NoRoomError, check_room, training_bytes


def recipe_of(name: str) -> Recipe:
    return load(name, discover(), ["observers=null", "features=random", "train.batch=6"], ["tiny"])


@pytest.mark.parametrize("name", ["ctss", "animegan"])
def test_a_step_with_few_images_tells_what_the_whole_batch_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(name)
    estimate = training_bytes(recipe, discover())
    monkeypatch.setattr(memory, "_PROBE", recipe.train.batch)
    assert estimate == pytest.approx(training_bytes(recipe, discover()), rel=0.15)


def test_the_estimate_grows_with_the_batch_and_the_side() -> None:
    recipe = recipe_of("plain")
    small = training_bytes(recipe, discover())
    batch = training_bytes(replace(recipe, train=replace(recipe.train, batch=24)), discover())
    side = training_bytes(replace(recipe, train=replace(recipe.train, size=128)), discover())
    assert 1.5 < batch / small < 4.1
    assert 1.5 < side / small < 4.1


def test_a_training_that_does_not_fit_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 0.3 * 2**30)
    with pytest.raises(
        NoRoomError, match=r"out of memory: it needs about 0\.\d+ GiB of the GPU, and 0\.3 GiB are free"
    ):
        check_room(recipe_of("plain"), discover(), torch.device("cpu"))
    monkeypatch.setattr(memory, "free_memory", lambda _: 3.0 * 2**30)
    check_room(recipe_of("plain"), discover(), torch.device("cpu"))
