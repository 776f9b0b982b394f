from __future__ import annotations

import numpy as np
import pytest

from toonlab_classic.classic import Classic, few_colors, lines
from toonlab_classic.drawing import Pixels


@pytest.fixture(scope="module")
def photo(golden) -> Pixels:
    return golden("inputs")["images_u8"][0, :128, :128]


def two_surfaces(noise: int) -> Pixels:
    """A dark half and a bright one, with noise on both: (64, 64, 3)."""
    pixels = np.full((64, 64, 3), 70, np.int16)
    pixels[:, 32:] = 180
    pixels += np.random.default_rng(0).integers(-noise, noise + 1, pixels.shape, dtype=np.int16)
    return pixels.astype(np.uint8)


def test_areas_become_flat_and_their_border_dark():
    drawn = Classic(colors=2, line_width=2).draw(two_surfaces(noise=6))
    gray = drawn.mean(axis=-1)
    assert gray[:, :20].std() == 0
    assert gray[:, 44:].std() == 0
    assert (gray[:, 28:36].min(axis=1) < 20).all()  # darker than either surface
    assert (gray[:, :20] > 50).all()


def test_no_more_colours_than_asked_for(photo: Pixels):
    drawn = Classic(colors=5, line_threshold=1e6).draw(photo)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 5


def test_a_picture_of_one_colour_stays_as_it_is():
    pixels = np.full((20, 30, 3), (10, 130, 90), np.uint8)
    assert np.abs(Classic(saturation=1).draw(pixels).astype(int) - pixels).max() <= 1


def test_saturation_zero_is_gray(photo: Pixels):
    drawn = Classic(saturation=0).draw(photo).astype(int)
    assert (drawn.max(axis=-1) - drawn.min(axis=-1)).max() <= 1


def test_the_same_at_twice_the_size_is_the_same_picture(photo: Pixels):
    small = Classic().draw(photo).astype(int)
    large = Classic().draw(photo.repeat(2, 0).repeat(2, 1)).reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - large).mean() < np.abs(small - photo).mean()


def test_lines_are_dark_sides_of_edges_and_not_shorter_than_asked_for():
    luminance = np.full((40, 40), 80, np.float32)
    luminance[:, :20] = 20
    luminance[20, 35] = 0  # a speck
    paper = lines(luminance, width=1, threshold=1, length=5)
    assert (paper[:, 18:20].min(axis=1) == 0).all()
    assert (paper[:, 22:] == 1).all()
    assert lines(luminance, width=1, threshold=1, length=0)[20, 35] == 0


def test_the_palette_is_that_of_the_picture():
    colors = np.array([[20, 0, 0], [50, 40, -40], [90, -30, 60]], np.float32)
    picture = colors[np.random.default_rng(1).integers(0, 3, (16, 16))]
    assert np.abs(few_colors(picture, 3) - picture).max() < 1e-4
    assert few_colors(picture[:1, :2], 8).shape == (1, 2, 3)  # fewer pixels than colours
