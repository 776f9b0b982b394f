"""The pictures of a run: what its patch critics look at during training, and what the finished run leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from toonlab import Catalogue, Views, discover, hookimpl
from toonlab.engine.builder import build
from toonlab.engine.gan import GAN
from toonlab.engine.pictures import MOST, chosen, covers_all, fixed_batch, overlays
from toonlab.engine.train import Trained, train
from toonlab.engine.train import test_evaluator as evaluator_of
from toonlab.images.io import to_picture
from toonlab.inference.cartoonize import load_model
from toonlab.recipes.load import load
from toonlab.runs.pictures import read_pictures
from toonlab.types import Batch
from toonlab.utils.distributed import DistributedContext

SAMPLER = "critics.patch.sampler="


@pytest.mark.parametrize(
    ("boxes", "covered"),
    [
        (None, True),
        ([], True),
        ([[0, 0, 0, 16, 16], [1, 0, 0, 16, 16]], True),
        ([[0, 0, 0, 16, 16], [1, 0, 0, 16, 15]], False),
    ],
)
def test_whole_images_are_told_from_patches(boxes, covered: bool):
    given = None if boxes is None else torch.tensor(boxes, dtype=torch.int64).view(-1, 5)
    assert covers_all(given, torch.zeros(2, 3, 16, 16)) is covered


def test_the_fixed_batch_is_the_middle_of_the_first_pictures():
    levels = torch.arange(8 * 10, dtype=torch.uint8).view(1, 8, 10).expand(3, -1, -1)
    floats = levels.float() / 127.5 - 1
    too_small = levels[:, :3]
    batch = fixed_batch([levels, too_small, levels + 1, levels + 2], [floats], size=4, count=2)
    assert batch.photo.shape == (2, 3, 4, 4)
    assert torch.equal(batch.photo[1, 0], (levels[0, 2:6, 3:7] + 1).float() / 127.5 - 1)
    assert torch.equal(batch.cartoon, floats[None, :, 2:6, 3:7])


@pytest.fixture
def gan(small: Path) -> GAN:
    catalogue = discover()
    return build(load(small, catalogue), catalogue, DistributedContext(torch.device("cpu")))


def test_overlays_show_the_patch_critics_alone(gan: GAN, tmp_path: Path):
    photos, cartoons = (torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(i)) * 2 - 1 for i in (1, 2))
    written = overlays(gan, gan.generator, Batch(photos, cartoons), 7, tmp_path / "samples")
    assert written == {"patches/patch": tmp_path / "samples" / "patches-patch-step-00000007.png"}
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["patches-patch-step-00000007.png"]
    pixels = np.asarray(Image.open(written["patches/patch"]))
    for image in cartoons:  # its pixels, six times as large
        level = ((image[:, 0, 0] + 1) * 127.5).round().byte().numpy()
        assert (pixels == level).all(-1).sum() >= 36
    before = written["patches/patch"].read_bytes()
    overlays(gan, gan.generator, Batch(photos, cartoons), 7, tmp_path / "samples")
    assert written["patches/patch"].read_bytes() == before
    assert gan.generator.training


def test_critics_learn_nothing_from_being_shown(gan: GAN, tmp_path: Path):
    """A sampler may ask the critic; spectral norm would move its vectors at every forward pass in train mode."""

    boxes = torch.tensor([[0, 0, 0, 4, 4], [1, 2, 3, 4, 4]])

    def asks(views: Views) -> Views:
        views.context.critic(views.real[:, :1, :16, :16])
        return replace(views, real_boxes=boxes, fake_boxes=boxes)

    critic = replace(gan.critics["patch"], sampler=asks, representation=None)
    before = {name: value.clone() for name, value in critic.net.state_dict().items()}
    images = torch.zeros(2, 3, 32, 32)
    overlays(replace(gan, critics={"patch": critic}), gan.generator, Batch(images, images), 7, tmp_path)
    assert critic.net.training
    assert all(torch.equal(value, before[name]) for name, value in critic.net.state_dict().items())


def test_a_gan_of_whole_image_critics_has_no_overlay(gan: GAN, tmp_path: Path):
    whole = replace(gan, critics={"image": gan.critics["image"]})
    images = torch.zeros(2, 3, 32, 32)
    assert overlays(whole, gan.generator, Batch(images, images), 7, tmp_path / "samples") == {}
    assert not (tmp_path / "samples").exists()


# -- of a finished run


def trained(recipe: Path, catalogue: Catalogue, *overrides: str) -> Trained:
    given = ["train.steps=2", "observers=null", *overrides]
    return train(load(recipe, catalogue, given), catalogue, recipe.parent / "runs", "s", "cpu", split="test")


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
