from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toonlab.ops.filters import (
    _window_sums,
    _WindowSums,
    box_mean,
    full_precision,
    guided_filter,
    luminance,
    min_max,
    rgb_to_yuv,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9))
def test_box_mean_is_the_mean_of_the_pixels_in_the_image(height: int, width: int, radius: int):
    image = noise(height, width)
    means = box_mean(image, radius)
    for y in range(height):
        for x in range(width):
            window = image[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            torch.testing.assert_close(means[y, x], window.mean())


def test_box_mean_keeps_its_digits_far_from_the_border():
    image = noise(1, 3000).float()
    torch.testing.assert_close(box_mean(image, 5).double(), box_mean(image.double(), 5), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["photo", "cartoon"])
def test_guided_filter_matches_ctss(golden, inputs, name: str):
    image = inputs[name][:2]
    expected = torch.from_numpy(golden("ctss_guided_filter")[f"gf_{name}_sub2"]).movedim(-1, 1)
    actual = guided_filter(image, image, radius=5, eps=0.2)[..., ::2, ::2]
    torch.testing.assert_close(actual, expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize(("radius", "eps"), [(1, 0.01), (5, 0.01), (5, 0.2)])
def test_guided_filter_matches_whitebox(golden, images, radius: int, eps: float):
    arrays, name = golden("whitebox_guided_filter"), f"gf_self_r{radius}_eps{eps}"
    photo = images[:2].flip(1)  # blue first
    actual = guided_filter(photo, photo, radius, eps).movedim(1, -1)
    expected = torch.from_numpy(arrays[f"{name}_photo_bgr_sub4"])
    torch.testing.assert_close(actual[:, ::4, ::4], expected, rtol=0, atol=5e-5)
    torch.testing.assert_close(actual.mean(), torch.tensor(arrays[f"{name}_mean"]), rtol=0, atol=1e-6)


def test_guided_filter_keeps_what_is_linear_in_the_guide():
    guide = noise(2, 3, 20, 24)
    slope = torch.tensor([2.0, -0.5, 0.0]).view(1, 3, 1, 1)
    source = slope * guide + 0.3
    torch.testing.assert_close(guided_filter(guide, source, radius=3, eps=1e-9), source, rtol=0, atol=1e-6)


def test_guided_filter_with_a_large_eps_averages_twice():
    guide, source = noise(1, 2, 16, 17), noise(1, 2, 16, 17, seed=1)
    averaged = box_mean(box_mean(source, 2), 2)
    torch.testing.assert_close(guided_filter(guide, source, radius=2, eps=1e9), averaged, rtol=0, atol=1e-8)


def test_guided_filter_of_radius_0_changes_nothing():
    source = noise(1, 3, 6, 7)
    assert torch.equal(guided_filter(noise(1, 3, 6, 7, seed=1), source, radius=0, eps=0.1), source)


def test_guided_filter_takes_the_short_way_only_in_computing():
    image = noise(1, 3, 12, 13)
    torch.testing.assert_close(guided_filter(image, image, 2, 0.1), guided_filter(image, image.clone(), 2, 0.1))


def test_guided_filter_of_bf16_loses_only_the_result_s_digits():
    image = noise(1, 3, 32, 32).to(torch.bfloat16)
    filtered = guided_filter(image, image, 5, 5e-3)
    assert filtered.dtype == torch.bfloat16
    exact = guided_filter(image.double(), image.double(), 5, 5e-3)
    torch.testing.assert_close(filtered.double(), exact, rtol=2**-8, atol=1e-5)


def test_guided_filter_has_the_right_gradient():
    guide, source = noise(1, 1, 5, 4).requires_grad_(), noise(1, 1, 5, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda g, s: guided_filter(g, s, 1, 0.1), (guide, source))


@given(st.integers(1, 3), st.integers(1, 8), st.integers(0, 99))
def test_min_max_fills_the_unit_interval(images: int, side: int, seed: int):
    stretched = min_max(noise(images, side, side + 1, seed=seed) * 100, (1, 2))
    assert torch.equal(stretched.amin((1, 2)), torch.zeros(images))
    assert torch.equal(stretched.amax((1, 2)), torch.ones(images))


@pytest.mark.parametrize("eps", [0.0, 1e-8])
def test_min_max_of_equal_values_is_0(eps: float):
    assert torch.equal(min_max(torch.full((2, 3, 3), 0.1), (1, 2), eps), torch.zeros(2, 3, 3))


def test_yuv_matches_ctss(golden, images):
    arrays = golden("ctss_losses")
    basis = torch.from_numpy(arrays["yuv_basis_in"]).movedim(-1, 1)
    torch.testing.assert_close(rgb_to_yuv(basis).movedim(1, -1), torch.from_numpy(arrays["yuv_basis"]))
    astronaut = rgb_to_yuv(images[:1, :, ::4, ::4]).movedim(1, -1)
    torch.testing.assert_close(astronaut, torch.from_numpy(arrays["yuv_astronaut_sub4"]), rtol=0, atol=1e-6)


def test_luminance_is_y_in_the_range_of_the_image(images):
    y = rgb_to_yuv(images)[:, :1]
    torch.testing.assert_close(luminance(images), 2 * y - 1, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("given_dtype", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_full_precision(given_dtype: torch.dtype, expected: torch.dtype):
    assert full_precision(torch.zeros(1, dtype=given_dtype)).dtype == expected


def test_window_sums_of_a_gpu_have_the_gradients_of_the_cpus(images):
    """Once, and twice."""
    values = images[:1, :, :9, :7].double().requires_grad_()
    expected, found = _window_sums(values, 2), _WindowSums.apply(values, 2)
    assert torch.equal(expected, found)
    for sums in (expected, found):
        (gradient,) = torch.autograd.grad(sums.square().sum(), values, create_graph=True)
        (second,) = torch.autograd.grad(gradient.pow(3).sum(), values)
        if sums is expected:
            first_of_the_cpu, second_of_the_cpu = gradient, second
    torch.testing.assert_close(gradient, first_of_the_cpu)
    torch.testing.assert_close(second, second_of_the_cpu)
