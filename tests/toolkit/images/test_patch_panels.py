"""What is drawn is what the sampler chose and what the critic sees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from PIL import ImageColor
from torch import Tensor

from toonlab import PartError, Views, crop
from toonlab.images.canvas import PALETTE
from toonlab.images.patch_panels import PatchPanels, panel_tiles, patch_panels, patch_tiles

BOXES = torch.tensor([[1, 2, 3, 4, 4], [0, 0, 0, 4, 4], [1, 8, 8, 4, 4]])


@dataclass(frozen=True)
class Here:
    """Always the same boxes, with scores; and what it thinks of the images."""

    def __call__(self, views: Views) -> Views:
        scores = torch.tensor([9.0, 5.0, 1.0])
        return replace(views, real=crop(views.real, BOXES), real_boxes=BOXES, real_scores=scores)

    def saliency(self, images: Tensor) -> Tensor:
        return images.mean(1)

    def filtered(self, images: Tensor) -> Tensor:
        return -images


@pytest.fixture
def batch() -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_looks_belong_to_their_images(batch: Tensor):
    views = Here()(Views(batch, batch))
    first, second = patch_panels(batch, views, "real", Here())
    assert (first.boxes, first.labels) == ([(0, 0, 4, 4)], ["1: 5"])
    assert (second.boxes, second.labels) == ([(2, 3, 4, 4), (8, 8, 4, 4)], ["1: 9", "2: 1"])
    assert torch.allclose(second.seen[1] * 2 - 1, batch[1, :, 8:12, 8:12], atol=1e-6)
    assert torch.equal(second.saliency, batch[1].mean(0))
    assert torch.equal(second.filtered, -batch[1])


def test_a_representations_range_is_shown_whole(batch: Tensor):
    views = replace(Here()(Views(batch, batch)), real=torch.linspace(0, 10, 48).view(3, 1, 4, 4), value_range=(0, 10))
    (shown, _) = patch_panels(batch, views, "real", Here())
    (tile,) = patch_tiles(shown, 4)
    assert tile.picture.size == (12, 12), "with a frame of four pixels in the colour of its box"
    assert (np.asarray(tile.picture) == ImageColor.getrgb(PALETTE[0])).all(-1).sum() == 12 * 12 - 4 * 4
    shown = np.asarray(tile.picture)[4:-4, 4:-4].astype(int)
    assert np.abs(shown[..., 0] - torch.linspace(0, 255, 48).view(3, 4, 4)[1].numpy()).max() <= 1
    assert (shown[..., 0] == shown[..., 2]).all()
    assert tile.caption == "seen 1: 5"


def test_samplers_that_explain_nothing_have_fewer_panels(batch: Tensor):
    @dataclass(frozen=True)
    class Silent:
        saliency: float = 0.5  # a parameter, not the method

        def __call__(self, views: Views) -> Views:
            return replace(views, real_boxes=BOXES)

    (shown, _) = patch_panels(batch, Silent()(Views(batch, batch)), "real", Silent())
    assert [tile.caption for tile in panel_tiles(shown, "photo", 64)] == ["photo", "chosen patches"]
    assert shown.labels == ["1"]
    assert shown.seen == []  # two images for three boxes: nobody knows which is which


def test_a_sampler_without_boxes_is_an_error(batch: Tensor):
    with pytest.raises(PartError, match="gives no boxes, so nothing can be drawn"):
        patch_panels(batch, Views(batch, batch), "fake", Here())


def test_panels_show_photo_filter_boxes_and_saliency(batch: Tensor):
    (_, shown) = patch_panels(batch, Here()(Views(batch, batch)), "real", Here())
    photo, filtered, chosen, saliency = panel_tiles(shown, "photo", 64)
    assert [tile.caption for tile in (photo, filtered, chosen, saliency)] == [
        "photo",
        "filtered",
        "chosen patches",
        "saliency",
    ]
    assert photo.picture.size == filtered.picture.size == chosen.picture.size == (64, 64)
    pixels = np.asarray(photo.picture).astype(int)
    assert np.abs(pixels[::4, ::4] - ((batch[1] + 1) * 127.5).movedim(0, -1).numpy()).max() <= 1
    assert np.abs(np.asarray(filtered.picture) + pixels - 255).max() <= 1
    for color, (top, left) in zip(PALETTE, [(2, 3), (8, 8)], strict=False):
        rows, columns = (np.asarray(chosen.picture) == ImageColor.getrgb(color)).all(-1).nonzero()
        assert (rows.min(), columns.min()) == (4 * top, 4 * left)
        assert columns.max() >= 4 * (left + 4) - 1
    peak = divmod(int(shown.saliency.argmax()), 16)
    light = np.asarray(saliency.picture)[:64, :64].astype(int).sum(-1)
    assert light[4 * peak[0], 4 * peak[1]] == light.max()


def test_only_the_first_of_many_patches_are_shown():
    boxes = [(row, column, 4, 4) for row in range(0, 24, 4) for column in range(0, 24, 4)]
    shown = PatchPanels(torch.zeros(3, 24, 24), boxes, None, [torch.zeros(3, 4, 4)] * 36)
    assert panel_tiles(shown, "photo", 240)[-1].caption == "chosen patches: the first 24 of 36"
    assert [tile.caption for tile in patch_tiles(shown, 16)] == [f"seen {rank}" for rank in range(1, 25)]
