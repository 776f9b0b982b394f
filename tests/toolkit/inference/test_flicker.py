"""Flicker: what is measured, what the blend changes, and what it leaves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from toonlab.inference.flicker import STILL, Flicker

Picture = NDArray[np.uint8]
RNG = np.random.default_rng(0)
SCENE = RNG.integers(40, 200, (48, 64, 3)).astype(np.uint8)


def trembling(count: int = 20, by: int = 10) -> list[Picture]:
    """Cartoons of one scene that are darker and brighter in turn."""
    return [SCENE + np.uint8(by * (number % 2)) for number in range(count)]


def run(flicker: Flicker, photos: list[Picture], cartoons: list[Picture]) -> list[Picture]:
    return [flicker.add(photo, cartoon) for photo, cartoon in zip(photos, cartoons, strict=True)]


def test_a_static_shot_flickers_by_the_change_of_its_cartoon() -> None:
    flicker = Flicker()
    shown = run(flicker, [SCENE] * 20, trembling())
    assert flicker.results() == {"flicker": 10.0, "flicker_of_clip": 0.0, "unchanged": 1.0}
    assert all(np.array_equal(a, b) for a, b in zip(shown, trembling(), strict=True))


def test_the_clips_own_noise_is_told() -> None:
    flicker = Flicker()
    photos = [SCENE + np.uint8(2 * (number % 2)) for number in range(8)]
    run(flicker, photos, photos)
    assert flicker.results() == {"flicker": 2.0, "flicker_of_clip": 2.0, "unchanged": 1.0}


def test_what_moves_is_not_measured() -> None:
    photos = [np.roll(SCENE, 3 * number, axis=1) for number in range(8)]
    flicker = Flicker()
    run(flicker, photos, trembling(8))
    assert flicker.results() == {"flicker": None, "flicker_of_clip": None, "unchanged": 0.0}
    half = [np.concatenate([SCENE[:24], photo[24:]]) for photo in photos]
    flicker = Flicker()
    run(flicker, half, trembling(8))
    assert flicker.results()["flicker"] == 10.0
    assert flicker.results()["unchanged"] == pytest.approx(21 / 48, abs=0.03)  # 3 pixels at the border see the motion


def test_the_blend_divides_the_flicker_and_leaves_the_rest() -> None:
    plain, steady = Flicker(), Flicker(0.8)
    run(plain, [SCENE] * 200, trembling(200, by=40))
    run(steady, [SCENE] * 200, trembling(200, by=40))
    before, after = plain.results()["flicker"], steady.results()["flicker"]
    assert before == 40.0
    assert after == pytest.approx(40 * (1 - 0.8) / (1 + 0.8), rel=0.1)  # the filter's answer to the fastest change
    moving = [np.roll(SCENE, 3 * number, axis=1) for number in range(8)]
    steady = Flicker(0.8)
    shown = run(steady, moving, trembling(8))
    assert all(np.array_equal(a, b) for a, b in zip(shown, trembling(8), strict=True))
    assert steady.results()["ghosting"] == 0.0


def test_a_slow_change_leaves_no_ghost() -> None:
    """Each step is too small to be seen; without the blend of the clip the first frame would stay for ever."""
    photos = [np.full((32, 32, 3), 40 + number, np.uint8) for number in range(100)]
    shown = run(Flicker(0.95), photos, photos)
    behind = [int(photo.max()) - int(cartoon.min()) for photo, cartoon in zip(photos, shown, strict=True)]
    assert 0 < max(behind) <= 2 * STILL


def test_a_cut_begins_again() -> None:
    steady, other = Flicker(0.9), 255 - SCENE
    shown = run(steady, [SCENE, SCENE, other], [SCENE, SCENE, other])
    assert np.array_equal(shown[-1], other)
    small = SCENE[:16, :16]
    assert np.array_equal(steady.add(small, small), small)  # of another size


@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_it_goes_on_as_if_it_had_not_stopped(strength: float) -> None:
    photos = [SCENE + np.uint8(RNG.integers(0, 4)) for _ in range(12)]
    whole, first, second = Flicker(strength), Flicker(strength), Flicker(strength)
    expected = run(whole, photos, trembling(12))
    run(first, photos[:5], trembling(12)[:5])
    second.restore(first.state())
    rest = run(second, photos[5:], trembling(12)[5:])
    assert all(np.array_equal(a, b) for a, b in zip(rest, expected[5:], strict=True))
    assert second.results() == whole.results()
