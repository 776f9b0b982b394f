from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from toonlab_world.render.effects import NOISES, defocus, develop, relief, sky_image, veiled, vignette
from toonlab_world.render.pixels import linear
from toonlab_world.render.raster import Raster
from toonlab_world.scene.compose import compose
from toonlab_world.scene.curves import box, ellipse
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface

AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.25, 0.25))
BACK = Shape(box(-0.1, -0.1, 1.1, 1.1), Surface(AIR.zenith), Even(0.5), depth=1.0, line=0)
DISC = Shape(ellipse(0.25, 0.25, 0.05, 0.05), Surface((1.0, 1.0, 0.9), glow=1.0), Even(1.0), depth=1.0)
CLOUD = Shape(ellipse(0.7, 0.3, 0.2, 0.12), Surface((1, 1, 1)), Even(0.8), depth=1.0)


def shown(*ground: Shape, clouds: tuple[Shape, ...] = (), air: Air = AIR, size: int = 64) -> np.ndarray:
    sky = Layer([BACK, *ground], [[cloud] for cloud in clouds])
    return sky_image(Raster(Scene(("sky",), air, 0.9, sky, [], focus=0.3, blur=0.5), size))


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


def test_a_veil_of_clouds_tears_a_sky_more_or_less():
    sky, covered = shown(), []
    for index in range(8):
        scene = Scene(("veil", index), AIR, 0.9, Layer([BACK]), [], focus=0.3, blur=0.5)
        np.testing.assert_allclose(veiled(sky, scene, 0.0), sky, atol=1e-3)
        changed = np.abs(veiled(sky, scene, 1.0) - sky).max(axis=2)
        covered.append((changed > 0.02).mean())
    assert min(covered) < 0.35 < 0.5 < max(covered)


@pytest.mark.parametrize("clouds", [(), (CLOUD,)])
def test_light_is_finite_and_never_negative(clouds):
    image = shown(DISC, clouds=clouds)
    assert image.shape == (64, 64, 3)
    assert np.isfinite(image).all()
    assert image.min() >= 0


@pytest.fixture(scope="module")
def scene():
    return compose((0, "grain", 0))


def amplitudes(size: int, **of: float) -> np.ndarray:
    made = np.zeros((size, size, len(NOISES)), np.float32)
    for name, value in of.items():
        made[..., list(NOISES).index(name)] = value
    return made


def test_a_surface_without_texture_stays_as_it_is(scene):
    assert not relief(amplitudes(32), scene).any()


@pytest.mark.parametrize("name", NOISES)
def test_textures_grow_with_their_amplitude_and_add_up(scene, name):
    whole, half = (relief(amplitudes(64, **{name: value}), scene) for value in (1.0, 0.5))
    assert whole.std() > 0.02
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)
    grain = relief(amplitudes(64, grain=1.0), scene)
    both = relief(amplitudes(64, **{"grain": 1.0, name: 1.0}), scene)
    np.testing.assert_allclose(both, grain if name == "grain" else grain + whole, atol=1e-5)


def test_a_texture_stays_where_its_surface_is(scene):
    made = amplitudes(64, grain=1.0)
    made[:, 32:] = 0
    found = relief(made, scene)
    assert found[:, :32].any()
    assert not found[:, 32:].any()


def test_textures_differ_from_scene_to_scene_and_are_the_same_at_any_size(scene):
    other = compose((0, "grain", 1))
    fine, coarse, elsewhere = (
        relief(amplitudes(size, blotch=1.0), of) for size, of in ((256, scene), (64, scene), (64, other))
    )
    averaged = cv2.resize(fine, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(averaged.ravel(), coarse.ravel())[0, 1] > 0.95
    assert abs(np.corrcoef(elsewhere.ravel(), coarse.ravel())[0, 1]) < 0.7


SIZE = 64


@pytest.fixture
def checks() -> np.ndarray:
    at = np.arange(SIZE) // 4 % 2
    return ((at[:, None] ^ at[None])[..., None].repeat(3, axis=2)).astype(np.float32)


def contrast(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image[..., 0], axis=1)).mean())


def test_what_is_far_from_the_focus_is_blurred(checks):
    depth = np.full((SIZE, SIZE), 0.9, np.float32)
    depth[:, : SIZE // 2] = 0.1
    image = defocus(checks, depth, focus=0.1, blur=1.0)
    assert contrast(image[:, : SIZE // 2 - 8]) > 1.2 * contrast(image[:, SIZE // 2 + 8 :])


def test_without_blur_all_is_equally_sharp(checks):
    depth = np.linspace(0, 1, SIZE, dtype=np.float32)[None].repeat(SIZE, axis=0)
    one, other = (defocus(checks, depth, focus, blur=0.0) for focus in (0.0, 1.0))
    np.testing.assert_array_equal(one, other)


def test_corners_are_darker_than_the_middle():
    image = vignette(np.ones((SIZE, SIZE, 3), np.float32), strength=0.2)
    assert image[SIZE // 2, SIZE // 2, 0] == pytest.approx(1, abs=1e-3)
    assert image[0, 0, 0] == pytest.approx(0.6, abs=1e-6)
    np.testing.assert_allclose(image, image[::-1, ::-1], atol=1e-6)


def test_more_light_gives_a_brighter_photo_that_never_burns_out():
    light = np.linspace(0, 3, SIZE * SIZE, dtype=np.float32).reshape(SIZE, SIZE, 1).repeat(3, axis=2)
    photo = develop(light, ("k",), sensor_noise=False).astype(int)
    assert photo[0, 0, 0] == 0
    assert (np.diff(photo[..., 0].ravel()) >= 0).all()
    assert np.diff(np.unique(photo[..., 0])).max() <= 25
    assert photo[-1, -1, 0] > 240


def test_the_sensors_noise_belongs_to_the_photo():
    gray = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    one, again, other = (develop(gray, key, sensor_noise=True) for key in (("a",), ("a",), ("b",)))
    clean = develop(gray, ("a",), sensor_noise=False)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert 1 < (one.astype(float) - clean).std() < 8
    assert abs((one.astype(float) - clean).mean()) < 0.5
