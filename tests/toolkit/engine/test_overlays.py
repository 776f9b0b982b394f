"""The pictures of what a run's patch critics look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from toonlab import Views, discover
from toonlab.engine.builder import build
from toonlab.engine.gan import GAN
from toonlab.engine.overlays import covers_all, fixed_batch, overlays
from toonlab.recipes.load import load
from toonlab.types import Batch
from toonlab.utils.distributed import DistributedContext


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
