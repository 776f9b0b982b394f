from __future__ import annotations

import cv2
import numpy as np
import pytest

from toonlab_world.render.grain import NOISES, relief
from toonlab_world.scene.compose import compose


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
