from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab_ctss.saliency import edge_map, smooth

TOLERANCE = 5e-5  # of maps in [0, 1]: an exact evaluation differs from the original's float32 by up to 1.2e-5


def deviation(actual: Tensor, expected) -> float:
    """The largest of a map `(B, H, W)` from every second row and column of the original's `(B, H, W, 1)`."""
    expected = torch.from_numpy(expected)[..., 0]
    return float((actual[: len(expected), ::2, ::2] - expected).abs().max())


@pytest.mark.parametrize("name", ["photo", "cartoon"])
def test_edge_map_matches_ctss(golden, inputs, name: str):
    arrays, images = golden("ctss_edge_map"), inputs[name]
    smoothed = smooth(images, radius=5, eps=0.2)
    assert deviation(edge_map(images), arrays[f"edge_{name}_raw_sub2"]) < TOLERANCE
    assert deviation(edge_map(images, threshold=0.2), arrays[f"edge_{name}_enh_sub2"]) < TOLERANCE
    assert deviation(edge_map(smoothed, threshold=0.2), arrays[f"edge_{name}_gf_enh_sub2"]) < TOLERANCE


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


@given(st.integers(1, 3), st.integers(2, 9), st.integers(2, 9), st.integers(0, 99))
def test_edge_map_is_the_originals_formula(count: int, height: int, width: int, seed: int):
    images = noise(count, 3, height, width, seed=seed)
    s = images[:, :1] + 2 * images[:, 1:2] + images[:, 2:]
    padded = F.pad(s, (1, 1, 1, 1), mode="reflect")
    up, down = padded[:, :, :-2, 1:-1], padded[:, :, 2:, 1:-1]
    left, right = padded[:, :, 1:-1, :-2], padded[:, :, 1:-1, 2:]
    e = (down - up).abs() + (right - left).abs() + (2 * s - up - down).abs() + (2 * s - left - right).abs()
    e = (e - e.min()) / (e.max() - e.min())
    torch.testing.assert_close(edge_map(images), e[:, 0])
    torch.testing.assert_close(edge_map(images, threshold=0.3), 1 - 1 / (1 + (e[:, 0] / 0.3) ** 2))


def test_normalised_by_image_each_is_as_if_it_were_alone(inputs):
    maps = edge_map(inputs["photo"], normalise="image", threshold=0.2)
    for image, alone in zip(inputs["photo"], maps, strict=True):
        assert torch.equal(edge_map(image[None], threshold=0.2)[0], alone)


def test_normalised_by_batch_only_the_strongest_edge_is_the_maximum(inputs):
    raw = edge_map(inputs["photo"])
    assert raw.amax() == 1
    assert raw.amin() == 0
    assert raw.amax((1, 2)).unique().numel() > 1


@pytest.mark.parametrize("normalise", ["batch", "image"])
@pytest.mark.parametrize("radius", [0, 5])
def test_even_images_have_no_edges(normalise: str, radius: int):
    """In the original they are NaN; and a filter's rounding noise must not be stretched to [0, 1]."""
    colours = torch.tensor([[0.1, -0.7, 0.3], [1 / 3, 1.0, -1.0]])
    even = colours[:, :, None, None].expand(2, 3, 33, 47)
    edges = edge_map(smooth(even, radius, eps=0.2), normalise, threshold=0.2)
    assert torch.equal(edges, torch.zeros(2, 33, 47))


def test_an_even_image_beside_another_has_none_either():
    images = torch.stack([torch.full((3, 20, 20), 0.1), noise(3, 20, 20).float()])
    edges = edge_map(smooth(images, 2, 0.2), "image")
    assert torch.equal(edges[0], torch.zeros(20, 20))
    assert edges[1].amax() == 1


def test_smoothing_keeps_strong_edges_and_removes_texture():
    step = torch.full((1, 3, 32, 64), -0.8)
    step[..., 32:] = 0.8
    texture = 0.05 * noise(1, 3, 32, 64).float()
    smoothed = smooth(step + texture, radius=5, eps=0.02)
    assert smoothed[..., 33].mean() - smoothed[..., 30].mean() > 1.4
    assert smoothed[..., :16].std() < 0.3 * (step + texture)[..., :16].std()


def test_half_precision_is_computed_in_float32():
    images = noise(1, 3, 24, 24).to(torch.bfloat16)
    assert torch.equal(smooth(images, 3, 0.2), smooth(images.float(), 3, 0.2))
    assert torch.equal(edge_map(images), edge_map(images.float()))
