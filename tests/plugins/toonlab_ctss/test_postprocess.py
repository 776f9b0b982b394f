from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from toonlab import discover
from toonlab_ctss.postprocess import (
    SETTINGS,
    CTSSPostprocessing,
    contrast,
    luminance,
    match_brightness,
    mean_brightness,
    saturation,
)

pixels = arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3)))


@pytest.fixture(scope="module")
def photo(golden) -> np.ndarray:
    return golden("inputs")["images_u8"][0, 64:192, 64:192]


@pytest.fixture(scope="module")
def fake(golden) -> np.ndarray:
    return golden("inputs")["images_u8"][4, 64:192, 64:192]


def test_brightness_matches_ctss(golden, photo, fake):
    theirs = golden("ctss_postprocess")
    assert np.array_equal(match_brightness(fake, photo), theirs["brightness"])
    for ours, averages in ((photo, theirs["avg_brightness_src"]), (fake, theirs["avg_brightness_fake"])):
        means = ours.reshape(-1, 3).mean(0)  # theirs: all, blue, green, red
        assert [mean_brightness(ours), *means[::-1]] == pytest.approx(averages, rel=1e-7)


def test_each_adjustment_matches_ctss(golden):
    theirs = golden("ctss_postprocess")
    saturated = saturation(theirs["brightness"].astype(np.float32), 0.5)
    assert np.abs(saturated - theirs["sat05"]).max() < 5e-5
    assert np.abs(contrast(theirs["sat05"], 50) - theirs["sat05_con50"]).max() < 5e-5
    assert np.abs(luminance(theirs["sat05_con50"], 10) - theirs["sat05_con50_lum10"]).max() < 5e-5


def test_negative_amounts_match_ctss(golden, photo):
    theirs = golden("ctss_postprocess")
    values = photo.astype(np.float32)
    for adjusted, name in (
        (saturation(values, -0.5), "sat_m05"),
        (contrast(values, -50), "con_m50"),
        (luminance(values, -40), "lum_m40"),
    ):
        assert np.abs(adjusted[::2, ::2] - theirs[name]).max() < 5e-4, name


def test_the_whole_matches_ctss_to_the_level(golden, photo, fake):
    made = discover().make("postprocessors", "ctss")  # "The Wind Rises" is the default
    assert np.array_equal(made(fake, photo), golden("ctss_postprocess")["final_u8"])


def test_styles_differ_as_their_settings_do(photo, fake):
    results = {style: CTSSPostprocessing(style)(fake, photo) for style in SETTINGS}
    spread = {style: float(result.std()) for style, result in results.items()}
    level = {style: float(result.mean()) for style, result in results.items()}
    assert spread["crayon_shinchan"] > spread["dragon_ball"]  # contrast 70 against 25
    assert level["crayon_shinchan"] > level["wind_rises"] + 10  # luminance 25 against 10


@given(pixels, pixels, st.sampled_from(sorted(SETTINGS)))
def test_any_picture_becomes_a_picture_and_stays_as_it_was(fake: np.ndarray, photo: np.ndarray, style):
    before = fake.copy(), photo.copy()
    picture = CTSSPostprocessing(style)(fake, photo)
    assert (picture.shape, picture.dtype) == (fake.shape, np.uint8)
    assert np.array_equal(fake, before[0])
    assert np.array_equal(photo, before[1])


@given(pixels, st.floats(-1, 1))
def test_saturation_keeps_the_midpoint_and_leaves_gray_alone(image: np.ndarray, amount: float):
    values = image.astype(np.float32)
    changed = saturation(values, amount)
    assert changed.min() >= 0
    assert changed.max() <= 255
    middle, moved = ((v.max(-1) + v.min(-1)) / 2 for v in (values, changed))
    assert (
        np.abs(middle - moved).max() < 0.6
    )  # at full saturation one end meets 0 or 255 first, by the original's epsilon
    gray = values.mean(-1, keepdims=True).repeat(3, -1)
    assert np.allclose(saturation(gray, amount), gray, atol=1e-3)


@given(pixels, st.floats(-100, 100))
def test_luminance_sets_the_mean_of_each_pixel(image: np.ndarray, amount: float):
    values = image.astype(np.float32)
    changed = luminance(values, amount)
    inside = ((changed > 0) & (changed < 255)).all(-1) & ((values > 0) & (values < 255)).all(-1)
    wanted = np.clip(values.mean(-1) + amount, 0, 255)
    assert np.abs(changed.mean(-1) - wanted)[inside].max(initial=0) < 0.5


def test_amounts_of_zero_change_nothing(photo):
    values = photo.astype(np.float32)
    assert np.array_equal(contrast(values, 0), values)
    assert np.abs(luminance(values, 0) - values).max() < 1e-3
    assert np.abs(saturation(values, 0) - values).max() < 0.2  # the original's epsilon


def test_black_and_white():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert (match_brightness(black, white) == 0).all()
    assert (match_brightness(white, black) == 0).all()
    halves = np.array([[[51, 51, 51], [200, 200, 200]]], np.uint8)
    assert match_brightness(halves, white)[0, :, 0].tolist() == [
        103,
        255,
    ]  # 255 / 125.5 times as bright, cut and clipped
    for fake in (black, white):
        for photo in (black, white):
            assert CTSSPostprocessing("dragon_ball")(fake, photo).shape == (2, 2, 3)
