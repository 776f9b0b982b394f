from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import Context, PartError, Views
from toonlab.ops.filters import guided_filter, luminance
from toonlab_whitebox.representations import Surface, Texture, shift_color

boxes = torch.tensor([[0, 0, 0, 8, 8]])


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def views(real: Tensor, fake: Tensor, seed: int = 0) -> Views:
    context = Context(real, nn.Identity(), torch.Generator().manual_seed(seed), step=0)
    return Views(real, fake, real_boxes=boxes, value_range=(-3.0, 3.0), context=context)


# --- surface; that the filter is White-box's, tests/toolkit/ops/test_filters.py shows


def test_surface_smooths_real_and_fake_by_themselves():
    given = Views(noise(2, 3, 12, 16), noise(1, 3, 8, 9, seed=1), real_boxes=boxes)
    seen = Surface()(given)
    assert torch.equal(seen.real, guided_filter(given.real, given.real, 5, 0.2))
    assert torch.equal(seen.fake, guided_filter(given.fake, given.fake, 5, 0.2))
    assert seen.real_boxes is boxes


def test_surface_takes_texture_away_and_keeps_an_edge():
    edge = torch.ones(32).index_fill(0, torch.arange(16), -1.0).expand(1, 1, 16, 32)  # from -1 to 1
    texture = 0.1 * noise(1, 1, 16, 32)
    seen = Surface()(Views(edge + texture, edge)).real
    assert (seen - edge)[..., :6].std() < 0.2 * texture[..., :6].std()
    assert (seen[..., 16] - seen[..., 15]).min() > 1.2


def test_surface_gradients():
    images = noise(1, 1, 6, 7).double().requires_grad_()
    surface = Surface(radius=2, eps=0.1)
    assert torch.autograd.gradcheck(lambda x: surface(Views(x.detach(), x)).fake, images)


# --- texture


def test_color_shift_matches_whitebox(golden, images):
    arrays = golden("whitebox_losses")
    weights = torch.from_numpy(arrays["color_shift_a_weights_bgr"]).flip(0)
    for name, pictures in (("out1", images[:2]), ("out2", images[4:6])):
        shifted = shift_color(pictures, weights / weights.sum()).movedim(1, -1)[:, ::2, ::2]
        expected = torch.from_numpy(arrays[f"color_shift_a_{name}_sub2"])
        torch.testing.assert_close(shifted, expected, rtol=0, atol=1e-6)


def test_texture_draws_once_for_real_and_fake():
    images = noise(2, 3, 4, 5)
    seen = Texture()(views(images, images[:1]))
    assert seen.real.shape == (2, 1, 4, 5)
    assert torch.equal(seen.real[:1], seen.fake)
    assert seen.value_range == (-3.0, 3.0)
    assert seen.real_boxes is boxes
    assert not torch.allclose(seen.real, luminance(images), atol=1e-3)


def test_texture_draws_from_the_context_alone():
    images = noise(1, 3, 4, 5)
    first, again, other = (Texture()(views(images, images, seed)).real for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


@given(seed=st.integers(0, 2**32), spread=st.floats(0, 0.11))
def test_weights_lie_where_the_original_draws_them(seed: int, spread: float):
    """Their ratios, since they add up to 1."""
    red, green, blue = Texture(spread).weights(views(noise(1, 3, 2, 2), noise(1, 3, 2, 2), seed)).tolist()
    assert red + green + blue == pytest.approx(1)
    low, high = 1 - 1e-5, 1 + 1e-5
    assert low * (0.299 - spread) / (0.587 + spread) <= red / green <= high * (0.299 + spread) / (0.587 - spread)
    assert low * (0.114 - spread) / (0.587 + spread) <= blue / green <= high * (0.114 + spread) / (0.587 - spread)


def test_weights_are_spread_over_their_range():
    drawn = [Texture().weights(views(noise(1, 3, 2, 2), noise(1, 3, 2, 2), seed)) for seed in range(300)]
    blue = torch.stack(drawn)[:, 2]
    assert blue.min() < 0.03  # at most 0.214 / 0.9 and at least 0.014 / 1.1, uniform but for the sum
    assert blue.max() > 0.18


def test_without_spread_it_is_the_luminance():
    images = noise(2, 3, 4, 5)
    torch.testing.assert_close(Texture(spread=0)(views(images, images)).real, luminance(images), rtol=0, atol=1e-6)


@given(level=st.floats(-3, 3), seed=st.integers(0, 100))
def test_gray_stays_as_it_is(level: float, seed: int):
    gray = torch.full((1, 3, 2, 2), level)
    torch.testing.assert_close(Texture()(views(gray, gray, seed)).fake, gray[:, :1])


def test_one_channel_stays_as_it_is():
    patches = noise(2, 1, 4, 4)
    seen = Texture()(views(patches, patches[:1]))
    assert torch.equal(seen.real, patches)
    assert torch.equal(seen.fake, patches[:1])


def test_texture_gradients():
    images = noise(1, 3, 2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: Texture()(views(x.detach(), x)).fake, images)


def test_texture_needs_a_context():
    with pytest.raises(PartError, match="texture: draws random numbers, but these views have no context"):
        Texture()(Views(noise(1, 3, 2, 2), noise(1, 3, 2, 2)))


def test_texture_needs_colour_or_gray():
    with pytest.raises(PartError, match=r"texture: expected \(N, 3, H, W\) or \(N, 1, H, W\), got \(1, 2, 4, 4\)"):
        Texture()(views(noise(1, 2, 4, 4), noise(1, 2, 4, 4)))
