from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.pixels import (
    GAMMA,
    as_bytes,
    blend,
    linear,
    linear_image,
    lookup,
    shrink,
    soften,
    tint,
    unit,
)


def test_linear_light_is_the_power_of_gamma():
    np.testing.assert_allclose(linear((0.0, 0.5, 1.0)), [0, 0.5**GAMMA, 1], rtol=1e-6)
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_allclose(linear_image(gray), (gray / 255.0) ** GAMMA, atol=1e-6)


def test_a_blend_goes_from_one_picture_to_the_other_at_each_pixel():
    black, white = np.zeros((2, 2, 3), np.float32), np.ones(3, np.float32)
    share = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    np.testing.assert_allclose(blend(black, white, share), share[..., None].repeat(3, axis=2), atol=1e-5)


def test_a_tint_is_the_colour_times_the_brightness():
    plane, color = np.array([[0.0, 0.5], [1.0, 2.0]], np.float32), np.array([1.0, 0.5, 0.0], np.float32)
    np.testing.assert_allclose(tint(plane, color), plane[..., None] * color)


def test_a_lookup_gathers_the_four_numbers_of_each_label():
    table = np.arange(20, dtype=np.uint8).reshape(5, 4)
    labels = np.array([[4, 0, 2], [1, 1, 3]], np.uint16)
    np.testing.assert_array_equal(lookup(table, labels), table[labels])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_shrinking_averages_and_keeps_the_dtype(dtype):
    picture = np.kron(np.array([[0, 40], [80, 120]]), np.array([[1, 1], [1, 3]]) / 1.5).astype(dtype)
    small = shrink(picture, 2)
    assert small.dtype == dtype
    np.testing.assert_allclose(small, picture.reshape(2, 2, 2, 2).mean(axis=(1, 3)), atol=0.51)


def test_bytes_are_rounded_and_cut_off():
    picture = np.array([[[0.0, 0.6, 254.4], [255.4, 300.0, 127.2]]], np.float32)
    np.testing.assert_array_equal(as_bytes(picture), [[[0, 1, 254], [255, 255, 127]]])
    np.testing.assert_allclose(unit(np.array([0, 51, 255], np.uint8)), [0, 0.2, 1], rtol=1e-6)


@pytest.mark.parametrize("radius", [0.0, 0.02, 0.1])
def test_softening_keeps_the_mean_and_spreads_by_its_radius(radius):
    dot = np.zeros((65, 65), np.float32)
    dot[32, 32] = 1
    soft = soften(dot, radius)
    assert soft.sum() == pytest.approx(1, abs=1e-3)
    at = np.arange(65) - 32
    deviation = np.sqrt((soft.sum(axis=0) * at**2).sum())
    assert deviation == pytest.approx(radius * 65 + 0.2, abs=0.3)
