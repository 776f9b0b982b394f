from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.render.camera import compressed, exposed, focused, noisy, shoot
from toonlab_world.scene.compose import compose

SIZE = 96
SCENE = replace(compose((0, "camera", 0)), focus=0.2, blur=1.0)
GRAY = np.full((SIZE, SIZE, 3), 0.4, np.float32)
EDGE = np.where(np.arange(SIZE)[None, :, None] < SIZE // 2, np.float32(0.2), np.float32(0.6)) * np.ones_like(GRAY)


def test_what_is_in_focus_stays_sharp_and_the_rest_is_blurred():
    near, far = (focused(EDGE, np.full((SIZE, SIZE), depth, np.float32), SCENE) for depth in (0.2, 0.9))
    np.testing.assert_array_equal(near, EDGE)
    assert np.abs(np.diff(far, axis=1)).max() < 0.6 * 0.4
    np.testing.assert_allclose(far[:, :20], EDGE[:, :20], atol=1e-3)


def test_contrast_and_sharpness_grow_with_difficulty():
    steps = [np.abs(np.diff(exposed(EDGE, difficulty), axis=1)).max() for difficulty in (0.0, 1.0, 2.0)]
    assert steps[0] < steps[1] < steps[2]
    assert exposed(EDGE * 20, 2.0).max() <= 1


def test_noise_grows_with_difficulty_and_is_stronger_in_the_dark():
    weak, strong = (noisy(GRAY, ("n", 0), difficulty) - GRAY for difficulty in (0.5, 1.0))
    np.testing.assert_allclose(2 * weak, strong, atol=1e-5)
    assert 0.001 < strong.std() < 0.03
    assert (noisy(GRAY * 0, ("n", 0), 1.0)).std() > 1.2 * (noisy(GRAY * 2, ("n", 0), 1.0)).std()


def test_compression_loses_more_in_harder_photos():
    draw = np.random.default_rng(0)
    picture = draw.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    losses = [np.abs(compressed(picture, ("jpeg",), d).astype(int) - picture).mean() for d in (0.01, 1.0, 2.0)]
    assert losses[0] < losses[1] < losses[2]


@pytest.mark.parametrize("difficulty", [1.0, 2.0])
def test_a_photo_is_bytes_that_depend_on_the_scene_alone(difficulty):
    depth = np.full((SIZE, SIZE), 0.2, np.float32)
    photo, again = (shoot(EDGE, depth, SCENE, difficulty) for _ in range(2))
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(photo, again)
    other = shoot(EDGE, depth, replace(SCENE, key=("camera", 1)), difficulty)
    assert (other != photo).any()
    clean = shoot(EDGE, depth, SCENE, difficulty, sensor_noise=False)
    assert 0.2 < np.abs(clean.astype(int) - photo).mean() < 12
