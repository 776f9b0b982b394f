from __future__ import annotations

import colorsys

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.palette import HOURS, SEASONS, Tint, draw_air, hsv, mix


def test_a_hue_is_a_turn():
    assert hsv(0.25, 0.5, 0.8) == hsv(1.25, 0.5, 0.8) == hsv(-0.75, 0.5, 0.8)
    assert hsv(0.0, 1.0, 1.0) == (1.0, 0.0, 0.0)


def test_a_mix_leads_from_the_first_colour_to_the_second():
    a, b = (0.0, 0.5, 1.0), (1.0, 0.5, 0.0)
    assert mix(a, b, 0.0) == a
    assert mix(a, b, 1.0) == b
    assert mix(a, b, 0.25) == pytest.approx((0.25, 0.5, 0.75))


def test_a_tint_draws_within_its_box():
    tint, draw = Tint((0.1, 0.2), (0.4, 0.6), (0.7, 0.8)), generator("tint")
    drawn = np.array([colorsys.rgb_to_hsv(*tint.draw(draw)) for _ in range(100)])
    assert (drawn.min(axis=0) >= (0.1 - 1e-9, 0.4 - 1e-9, 0.7 - 1e-9)).all()
    assert (drawn.max(axis=0) <= (0.2 + 1e-9, 0.6 + 1e-9, 0.8 + 1e-9)).all()
    assert np.ptp(drawn, axis=0).min() > 0.05


@pytest.mark.parametrize("name", SEASONS)
def test_the_colours_of_a_season_are_colours(name):
    season, draw = SEASONS[name], generator("season", name)
    drawn = [tint.draw(draw) for tint in (season.meadow, season.leaves, season.needles, season.rock)]
    assert all(0 <= channel <= 1 for color in drawn for channel in color)
    assert 0 <= season.flowers <= 1


def test_winter_is_pale_and_nothing_blooms():
    draw = generator("winter")
    snow, grass = (np.mean([SEASONS[name].meadow.draw(draw) for _ in range(50)]) for name in ("winter", "summer"))
    assert snow > grass + 0.3
    assert SEASONS["winter"].flowers == 0


def test_the_hours_are_probabilities():
    assert sum(hour.often for hour in HOURS.values()) == pytest.approx(1)


def test_the_sun_stands_above_the_ground_on_the_side_where_its_disc_is():
    for number in range(100):
        air = draw_air(generator("air", number), horizon=0.5)
        assert np.linalg.norm(air.sun) == pytest.approx(1)
        assert air.sun[1] < 0
        assert (air.sun_at[0] - 0.5) * air.sun[0] > 0
        assert 0 <= air.haze <= 1
        assert all(0 <= channel <= 1 for color in (air.zenith, air.horizon) for channel in color)


def test_night_comes_up_as_often_as_it_should_and_is_dark():
    drawn = [draw_air(generator("air", number), 0.5) for number in range(400)]
    assert np.mean([air.night for air in drawn]) == pytest.approx(HOURS["night"].often, abs=0.04)
    dark, bright = (np.mean([air.zenith for air in drawn if air.night == night]) for night in (True, False))
    assert dark < 0.5 * bright
