from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.render.photo_sky import sky_image
from toonlab_world.render.pixels import linear
from toonlab_world.render.raster import rasterise
from toonlab_world.scene.curves import box, ellipse
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface

AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.25, 0.25))
BACK = Shape(box(-0.1, -0.1, 1.1, 1.1), Surface(AIR.zenith), Even(0.5), depth=1.0, line=0)
DISC = Shape(ellipse(0.25, 0.25, 0.05, 0.05), Surface((1.0, 1.0, 0.9), glow=1.0), Even(1.0), depth=1.0)
CLOUD = Shape(ellipse(0.7, 0.3, 0.2, 0.12), Surface((1, 1, 1)), Even(0.8), depth=1.0)


def shown(*ground: Shape, clouds: tuple[Shape, ...] = (), air: Air = AIR, size: int = 64) -> np.ndarray:
    sky = Layer([BACK, *ground], [[cloud] for cloud in clouds])
    return sky_image(rasterise(Scene(("sky",), air, 0.9, sky, [], focus=0.3, blur=0.5), size))


def test_the_sky_goes_from_the_colour_of_the_zenith_to_that_of_the_horizon():
    image = shown(air=replace(AIR, sun_at=(-5.0, -5.0)))
    np.testing.assert_allclose(image[0, 32], linear(AIR.zenith), atol=0.03)
    np.testing.assert_allclose(image[-1, 32], linear(AIR.horizon), atol=0.03)
    assert (np.diff(image[:, 32, 0]) >= 0).all()


def test_the_sun_brightens_the_sky_around_it_and_its_disc_most():
    far, glow, disc = shown(air=replace(AIR, sun_at=(5.0, 5.0))), shown(), shown(DISC)
    assert (glow[16, 16] > far[16, 16]).all()
    assert (glow[16, 16] - far[16, 16] > 3 * (glow[60, 60] - far[60, 60])).all()
    assert (disc[16, 16] > 2 * glow[16, 16]).all()
    np.testing.assert_allclose(disc[50, 50], glow[50, 50], atol=1e-5)


def test_the_glow_is_fainter_at_night():
    dark = replace(AIR, night=True)
    without = shown(air=replace(AIR, sun_at=(5.0, 5.0)))[16, 16]
    assert (shown(air=dark)[16, 16] - without < 0.5 * (shown()[16, 16] - without)).all()


def test_clouds_cover_the_sky_where_they_are_with_soft_edges():
    clear, cloudy = shown(), shown(clouds=(CLOUD,))
    changed = np.abs(cloudy - clear).mean(axis=2)
    assert changed[19, 45] > 0.1
    assert changed[55, 10] < 0.01
    assert len(np.unique(np.round(changed, 2))) > 10  # no hard edge


@pytest.mark.parametrize("clouds", [(), (CLOUD,)])
def test_light_is_finite_and_never_negative(clouds):
    image = shown(DISC, clouds=clouds)
    assert image.shape == (64, 64, 3)
    assert np.isfinite(image).all()
    assert image.min() >= 0
