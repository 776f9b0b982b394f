"""The pictures that a finished run leaves: its test samples, their fakes, and the patches of its critics."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from toonlab import hookimpl
from toonlab.engine.final_pictures import MOST, chosen
from toonlab.engine.train import Trained, train
from toonlab.engine.train import test_evaluator as evaluator_of
from toonlab.images.io import to_picture
from toonlab.inference.cartoonize import load_model
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.pictures import read_pictures
from toonlab.types import Views

SAMPLER = "critics.patch.sampler="


def trained(recipe: Path, catalogue: Catalogue, *overrides: str) -> Trained:
    given = ["train.steps=2", "observers=null", *overrides]
    return train(load(recipe, catalogue, given), catalogue, recipe.parent / "runs", "s", "cpu")


def test_a_finished_run_has_its_first_test_samples(small: Path, catalogue: Catalogue) -> None:
    run = trained(small, catalogue).run
    evaluator = evaluator_of(load(small, catalogue), catalogue, 2)
    fakes = list(evaluator.fakes(load_model(str(run.directory), catalogue), torch.device("cpu")))
    found = read_pictures(run.directory)
    assert [sample.name for sample in found] == ["toonworld-0000", "toonworld-0001"]  # evaluate.grid is 2
    for sample, given, fake in zip(found, evaluator.samples, fakes, strict=True):
        images = {"photo": given.photo, "fake": fake, "truth": given.truth.cartoon}
        assert list(sample.files) == list(images)
        for kind, path in sample.files.items():
            with Image.open(path) as picture:
                assert picture.tobytes() == to_picture(images[kind]).tobytes(), kind


def test_patches_are_what_the_sampler_chooses_in_the_fake_alone(small: Path, catalogue: Catalogue) -> None:
    run = trained(small, catalogue).run
    recipe = load(small, catalogue)
    fakes = evaluator_of(recipe, catalogue, 2).fakes(load_model(str(run.directory), catalogue), torch.device("cpu"))
    sampler = recipe.critics["patch"].sampler.make(catalogue)
    for sample, fake in zip(read_pictures(run.directory), fakes, strict=True):
        assert list(sample.patches) == ["patch"]  # not the image critic, which sees whole images
        assert sample.patches["patch"].sampler == "ctss"
        assert list(sample.patches["patch"].boxes) == chosen(sampler, fake)
        assert all(box[2:] == (16, 16) for box in chosen(sampler, fake))


def test_of_many_patches_the_first_are_kept(small: Path, catalogue: Catalogue) -> None:
    grid = trained(small, catalogue, f"{SAMPLER}{{use: grid_patches, patch_size: 16, stride: 0.25}}").run
    boxes = read_pictures(grid.directory)[0].patches["patch"].boxes
    assert (len(boxes), boxes[:2]) == (MOST, [(0, 0, 16, 16), (0, 4, 16, 16)])


def test_a_run_that_stops_early_has_none(small: Path, catalogue: Catalogue) -> None:
    class Stop:
        @hookimpl
        def stop_reason(self, run: object, step: int) -> str | None:
            return "enough"

    recipe = load(small, catalogue, ["observers=null"])
    stopped = train(recipe, catalogue, small.parent / "runs", "s", "cpu", listeners={"stop": Stop()})
    assert stopped.outcome.status == "stopped"
    assert read_pictures(stopped.run.directory) == []


def test_a_sampler_without_boxes_chooses_none() -> None:
    def whole(views: Views) -> Views:
        return replace(views, fake_boxes=None)

    def corner(views: Views) -> Views:
        return replace(views, fake_boxes=torch.tensor([[0, 1, 2, 4, 5]]))

    fake: Tensor = torch.zeros(3, 8, 8)
    assert chosen(whole, fake) == []
    assert chosen(corner, fake) == [(1, 2, 4, 5)]


@pytest.mark.parametrize("grid", [1, 3])
def test_as_many_samples_as_the_grid_has(small: Path, catalogue: Catalogue, grid: int) -> None:
    found = read_pictures(trained(small, catalogue, f"evaluate.grid={grid}").run.directory)
    assert len(found) == grid
