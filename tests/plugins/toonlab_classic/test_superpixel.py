from __future__ import annotations

import numpy as np
import pytest

from toonlab_classic.superpixel import Superpixel, mean_colors


def test_each_segment_has_its_mean_colour():
    photo = np.array([[[0, 10, 255], [3, 20, 255]], [[9, 0, 0], [9, 9, 9]]], np.uint8)
    segments = np.array([[0, 0], [2, 3]])  # 1 is left out
    assert mean_colors(photo, segments).tolist() == [[[2, 15, 255], [2, 15, 255]], [[9, 0, 0], [9, 9, 9]]]


@pytest.mark.parametrize("method", ["felzenszwalb", "slic"])
def test_two_surfaces_are_told_apart(method: str):
    photo = np.full((48, 48, 3), 40, np.uint8)
    photo[:, 24:] = 200
    drawn = Superpixel(method, count=16).draw(photo)
    assert np.abs(drawn.astype(int) - photo).max() <= 1


def test_parameters_say_how_many_there_are(golden):
    photo = golden("inputs")["images_u8"][0, :128, :128]

    def count(**parameters: object) -> int:
        return len(np.unique(Superpixel(**parameters).segments(photo)))

    assert count(smallest=100) < count(smallest=5)
    assert count(scale=300) < count(scale=30)
    assert 20 < count(method="slic", count=40) < count(method="slic", count=200) < 260
