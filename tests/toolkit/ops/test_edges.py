from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab import PartError
from toonlab.ops import edges as internals
from toonlab.ops.edges import canny, connected, gray_levels, smooth_edges
from toonlab.ops.levels import to_levels


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Random levels, uint8."""
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def values(levels: Tensor) -> Tensor:
    return levels.float() / 127.5 - 1


@pytest.fixture
def decoded(images: Tensor, tmp_path: Path) -> Tensor:
    """cartoon11's gray as OpenCV's decoder makes it, as the originals take it, `(1, 1, 256, 256)` in [-1, 1]."""
    file = str(tmp_path / "cartoon11.png")
    pixels = to_levels(images[4], (-1, 1)).movedim(0, -1).numpy()
    cv2.imwrite(file, pixels[..., ::-1])
    return values(torch.from_numpy(cv2.imread(file, cv2.IMREAD_GRAYSCALE)))[None, None]


@pytest.fixture
def on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on a GPU, on the CPU."""
    monkeypatch.setattr(internals, "_smooth_opencv", internals._smooth_torch)


def golden_pair(golden) -> Tensor:
    """cartoon11 and its smoothed version by the original, `(2, 3, 256, 256)` uint8 RGB."""
    pair = torch.from_numpy(golden("cartoongan_edge_promoting")["pair_bgr_cartoon11"])
    return torch.stack(pair.flip(-1).movedim(-1, 0).chunk(2, dim=2))


def test_exact_matches_cartoongan(golden, images: Tensor, decoded: Tensor):
    pair = torch.from_numpy(golden("cartoongan_edge_promoting")["pair_bgr_cartoon11"])
    original, expected = golden_pair(golden)
    assert pair.shape == (256, 512, 3)
    assert torch.equal(to_levels(images[4], (-1, 1)), original)
    smoothed = smooth_edges(images[4:5], gray=decoded, exact=True)
    assert torch.equal(to_levels(smoothed[0], (-1, 1)), expected)
    assert torch.equal(smoothed, values(expected)[None])


@pytest.mark.usefixtures("on_torch")
def test_torch_matches_cartoongan_with_its_gray_and_nearly_with_ours(golden, images: Tensor, decoded: Tensor):
    expected = golden_pair(golden)[1].int()
    assert torch.equal(to_levels(smooth_edges(images[4:5], gray=decoded)[0], (-1, 1)).int(), expected)
    off = (to_levels(smooth_edges(images[4:5])[0], (-1, 1)).int() - expected).abs()
    assert off.float().mean() <= 0.02  # levels
    assert (off.amax(0) > 8).float().mean() <= 1e-3  # of the pixels


def test_gaussian_matches_cartoongan(golden):
    weights = np.array([1, 4, 6, 4, 1]) / 16
    assert np.array_equal(np.outer(weights, weights), golden("cartoongan_edge_promoting")["gauss5x5"])
    dot = torch.zeros(1, 1, 11, 11, dtype=torch.uint8)
    dot[..., 5, 5] = 255
    for smooth in (internals._smooth_torch, internals._smooth_opencv):
        near, blurred = smooth(dot, dot)
        assert near[0, 0, 3:8, 3:8].all()
        assert np.array_equal(blurred[0, 0, 3:8, 3:8], np.floor(255 * np.outer(weights, weights)))


def test_torch_and_opencv_agree_to_the_bit_on_pictures(images: Tensor):
    levels = to_levels(images, (-1, 1))
    gray = gray_levels(levels)
    by_opencv = np.stack([cv2.cvtColor(x.movedim(0, -1).numpy(), cv2.COLOR_RGB2GRAY) for x in levels])
    assert np.array_equal(gray[:, 0], by_opencv)
    for ours, theirs in zip(internals._smooth_torch(levels, gray), internals._smooth_opencv(levels, gray), strict=True):
        assert torch.equal(ours, theirs)


@given(st.integers(3, 40), st.integers(3, 40), st.integers(1, 4), st.sampled_from([1, 8, 64]), st.integers(0, 99))
def test_torch_and_opencv_agree_to_the_bit(height: int, width: int, channels: int, coarse: int, seed: int):
    """Coarse levels make plateaus and ties, where the order of comparisons decides."""
    levels = noise(2, channels, height, width, seed=seed) // coarse * coarse
    gray = gray_levels(levels)
    for ours, theirs in zip(internals._smooth_torch(levels, gray), internals._smooth_opencv(levels, gray), strict=True):
        assert torch.equal(ours, theirs)


def test_canny_needs_a_strong_edge():
    """A vertical step of 30 levels is 120 strong, one of 60 is 240; joined, the weak one counts."""
    image = torch.zeros(3, 1, 16, 20, dtype=torch.uint8)
    image[0, ..., 10:] = 30
    image[1, ..., 10:] = 60
    image[2, ..., 10:] = 30
    image[2, ..., :8, 10:] = 60
    edges = canny(image)[:, 0]
    assert not edges[0].any()
    assert edges[1, :, 9].all()
    assert edges[1].sum() == 16
    assert edges[2, :7, 9].all()
    assert edges[2, 9:, 9].all()


def snake(side: int) -> Tensor:
    """One line, a pixel wide, that fills a square to and fro, `(side, side)` bool: as far apart as pixels can be."""
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[::2] = True
    mask[1:-1:4, -1] = True
    mask[3:-1:4, 0] = True
    return mask


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("end", [0, -1])
@pytest.mark.parametrize("side", [33, 97])
def test_connected_follows_the_longest_line(side: int, end: int, turned: bool):
    mask = (snake(side).T if turned else snake(side))[None, None]
    seeds = torch.zeros_like(mask)
    seeds[tuple(mask.nonzero()[end])] = True
    assert torch.equal(connected(mask, seeds), mask)


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5])
def test_connected_keeps_the_components_that_have_a_seed(share: float):
    mask = noise(3, 1, 50, 61) < 256 * share
    seeds = mask & (noise(3, 1, 50, 61, seed=1) < 2)
    got = connected(mask, seeds)
    for found, pixels, chosen in zip(got[:, 0], mask[:, 0], seeds[:, 0], strict=True):
        _, labels = cv2.connectedComponents(pixels.numpy().astype(np.uint8), connectivity=8)
        assert np.array_equal(found, np.isin(labels, np.unique(labels[chosen])) & pixels.numpy())


@pytest.mark.usefixtures("on_torch")
def test_away_from_edges_nothing_changes_to_the_bit():
    images = torch.full((1, 3, 32, 40), 0.1234567)
    images[..., 20:] = -0.7654321
    smoothed = smooth_edges(images)
    assert torch.equal(smoothed[..., :17], images[..., :17])
    assert torch.equal(smoothed[..., 22:], images[..., 22:])
    assert (smoothed[..., 18:21].diff(dim=-1) < 0).all()  # a slope where the step was


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (0.0, 255.0), (-3.0, 3.0)])
def test_the_range_is_only_a_scale(value_range: tuple[float, float]):
    levels, (low, high) = noise(2, 3, 24, 30) // 64 * 64, value_range
    scaled = levels.float() * ((high - low) / 255) + low
    smoothed = to_levels(smooth_edges(scaled, value_range), value_range)
    assert torch.equal(smoothed, to_levels(smooth_edges(values(levels)), (-1, 1)))
    assert not torch.equal(smoothed, levels)


def test_images_of_a_batch_do_not_see_each_other():
    images = values(noise(3, 3, 20, 33))
    alone = torch.cat([smooth_edges(image[None]) for image in images])
    assert torch.equal(smooth_edges(images), alone)


def test_takes_edges_from_the_gray_that_is_given():
    images = values(noise(1, 3, 32, 32))
    assert torch.equal(smooth_edges(images, gray=torch.zeros(1, 1, 32, 32)), images)
    assert not torch.equal(smooth_edges(images), images)


@pytest.mark.usefixtures("on_torch")
def test_bf16_keeps_its_dtype_and_is_close():
    images = values(noise(1, 3, 32, 32) // 64 * 64)
    smoothed = smooth_edges(images.bfloat16())
    assert smoothed.dtype == torch.bfloat16
    assert (smoothed.float() - smooth_edges(images)).abs().mean() < 0.01
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(smooth_edges(images), smooth_edges(images.clone()))


@pytest.mark.parametrize("exact", [False, True])
def test_is_a_constant(exact: bool):
    images = values(noise(1, 3, 16, 16)).requires_grad_()
    assert not smooth_edges(images, exact=exact).requires_grad


def test_values_outside_the_range_are_finite():
    assert smooth_edges(values(noise(1, 2, 16, 16)) * 5).isfinite().all()


def test_errors_say_what_is_wrong():
    with pytest.raises(PartError, match=r"smooth_edges: expected \(B, C, H, W\) float, got \(3, 8, 8\)"):
        smooth_edges(torch.zeros(3, 8, 8))
    with pytest.raises(PartError, match="smooth_edges: sides must be at least 3, got 8x2"):
        smooth_edges(torch.zeros(1, 3, 2, 8))
    with pytest.raises(PartError, match=r"gray should be \(2, 1, 8, 8\), got \(2, 3, 8, 8\)"):
        smooth_edges(torch.zeros(2, 3, 8, 8), gray=torch.zeros(2, 3, 8, 8))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_pixels(images: Tensor):
    torch.cuda.set_sync_debug_mode("error")
    try:
        smoothed = smooth_edges(images.to("cuda", non_blocking=True))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(smoothed.cpu(), smooth_edges(images))
