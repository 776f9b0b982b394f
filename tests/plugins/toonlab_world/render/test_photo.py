from __future__ import annotations

import cv2
import numpy as np
import pytest

from toonlab_world.render.cartoon import draw_cartoon
from toonlab_world.render.effects import relief
from toonlab_world.render.photo import render_photo
from toonlab_world.render.raster import Raster
from toonlab_world.render.styles import STYLES
from toonlab_world.scene.compose import compose


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_finer_photo_shows_the_same(index):
    scene = compose((0, "test", index))
    fine, coarse = (render_photo(Raster(scene, size), sensor_noise=False) for size in (256, 64))
    averaged = cv2.resize(fine, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(averaged.astype(float) - coarse).mean() < 5


def test_sensor_noise_is_small_and_repeatable():
    raster = Raster(compose((0, "test", 0)), 64)
    clean, noisy, again = render_photo(raster, sensor_noise=False), render_photo(raster), render_photo(raster)
    np.testing.assert_array_equal(noisy, again)
    assert 1 < (noisy.astype(float) - clean).std() < 10


def test_photos_have_texture_where_cartoons_have_none():
    for index in range(5):
        raster = Raster(compose((0, "test", index)), 128)
        photo, drawing = render_photo(raster, sensor_noise=False), draw_cartoon(raster, STYLES["bold"])
        inside = interior(drawing["regions"], drawing["outline"])
        assert inside.mean() > 0.2
        assert roughness(photo, inside) > 1.5
        assert roughness(drawing["cartoon"], inside) < 0.4 * roughness(photo, inside)


def test_photos_have_no_outlines():
    """Where the cartoon has a line that is darker than both of its sides, the photo has none."""
    for index in range(5):
        raster = Raster(compose((0, "test", index)), 128)
        drawing = draw_cartoon(raster, STYLES["bold"])
        photo, cartoon = (
            line_darkness(picture)[drawing["outline"]].mean() for picture in (render_photo(raster), drawing["cartoon"])
        )
        assert photo < 0.3 * cartoon


@pytest.mark.parametrize("area", [0.0, 0.3, 0.7])
def test_textures_cover_their_share_of_the_picture(area):
    shares = []
    for index in range(6):
        scene = compose((0, "test", index))
        everywhere, here = (relief(np.ones((64, 64, 4), np.float32), scene, share) for share in (1.0, area))
        shares.append((np.abs(here) > 0.5 * np.abs(everywhere)).mean())
    assert np.mean(shares) == pytest.approx(area, abs=0.06)


def test_hard_photos_have_materials_only_on_their_share_of_the_picture():
    rough = []
    for area in (0.0, 0.3, 1.0):
        photos = [render_photo(Raster(compose((0, "test", i)), 96), area, False, difficulty=1.0) for i in range(5)]
        rough.append(np.mean([roughness(photo, np.ones((96, 96), bool)) for photo in photos]))
    assert rough[0] < 0.6 * rough[2]
    assert rough[0] < rough[1] < rough[2]


def test_water_mirrors_what_stands_beyond_it():
    """The picture below the waterline is more like the one above it, upside down, than the right way up."""
    gains = []
    for index in range(8):
        scene = compose((0, "test", index), "waterside")
        photo = render_photo(Raster(scene, 96), sensor_noise=False).mean(axis=2)
        line, tall = int(scene.waterline * 96) + 2, 12
        above, below = photo[line - 4 - tall : line - 4], photo[line : line + tall]
        gains.append(
            np.corrcoef(above[::-1].ravel(), below.ravel())[0, 1] - np.corrcoef(above.ravel(), below.ravel())[0, 1]
        )
    assert np.mean(gains) > 0


def line_darkness(picture: np.ndarray) -> np.ndarray:
    """How much darker each pixel is than what lies on both sides of it (black-hat transform)."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((7, 7)))


def interior(regions: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Pixels whose 5x5 surroundings are one region and free of ink."""
    flat = regions.astype(np.float32)
    same = cv2.dilate(flat, np.ones((5, 5))) == cv2.erode(flat, np.ones((5, 5)))
    return same & ~cv2.dilate(outline.astype(np.uint8), np.ones((7, 7))).astype(bool)


def roughness(picture: np.ndarray, where: np.ndarray) -> float:
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(cv2.Laplacian(gray, cv2.CV_32F))[where].mean())
