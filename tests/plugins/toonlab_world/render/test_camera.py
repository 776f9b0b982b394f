from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.camera import defocus, develop, vignette

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
