from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab import Sample
from toonlab_metrics.bases import PictureMean
from toonlab_metrics.content import ContentEdges, ContentSSIM, edges


def scene(size: int = 96, shift: int = 0) -> Tensor:
    """Discs of different gray on a gradient, `(3, size, size)`."""
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    image = row / size - 0.5
    for top, left, radius, gray in ((30, 30, 14, 0.8), (60, 60, 20, -0.8), (25, 70, 10, 0.3)):
        image = torch.where((row - top - shift) ** 2 + (column - left - shift) ** 2 < radius**2, gray, image)
    return image.expand(3, -1, -1).contiguous()


def score(metric: PictureMean, fake: Tensor, photo: Tensor) -> float:
    metric.update(fake, Sample("a scene", photo))
    (value,) = metric.compute().values()
    return value


@pytest.mark.parametrize("metric", [ContentEdges, ContentSSIM])
def test_the_photo_keeps_everything(metric: type[PictureMean]) -> None:
    assert score(metric(), scene(), scene()) == pytest.approx(1)


def test_edges_do_not_depend_on_brightness_and_contrast() -> None:
    assert score(ContentEdges(), scene() * 0.4 + 0.3, scene()) > 0.98


def test_edges_that_move_away_are_lost_and_the_tolerance_is_in_pixels() -> None:
    scores = [score(ContentEdges(), scene(shift=shift), scene()) for shift in (0, 1, 3, 6)]
    assert scores[0] == pytest.approx(1)
    assert scores[1] > 0.9
    assert scores[1] > scores[2] > scores[3]
    assert scores[3] < 0.4
    assert score(ContentEdges(tolerance=3), scene(shift=3), scene()) > 0.9


def test_a_picture_of_nothing_keeps_nothing() -> None:
    blank = torch.zeros(3, 96, 96)
    assert not edges(blank, 0.1).any()
    assert score(ContentEdges(), blank, scene()) == 0
    assert score(ContentSSIM(), blank, scene()) < 0.8


def test_edges_lie_on_the_discs_borders() -> None:
    found = np.argwhere(edges(scene(), 0.1))
    distances = np.abs(
        np.stack(
            [
                np.hypot(found[:, 0] - top, found[:, 1] - left) - radius
                for top, left, radius in ((30, 30, 14), (60, 60, 20), (25, 70, 10))
            ]
        )
    ).min(0)
    assert len(found) > 150
    assert np.median(distances) < 1


def test_content_ssim_looks_at_luma_alone() -> None:
    photo = scene() * 0.5
    weights = torch.tensor([0.299, 0.587, 0.114])
    cast = torch.tensor([0.3, 0.0, 0.0])
    cast -= (weights * cast).sum()  # luma stays
    assert score(ContentSSIM(), photo + cast[:, None, None], photo) == pytest.approx(1, abs=1e-4)
    assert score(ContentSSIM(), -photo, photo) < 0.6
