from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toonlab import PartError, Views
from toonlab_basics import RGB, Grayscale

boxes = torch.tensor([[0, 0, 0, 4, 4]])


def test_rgb_is_the_identity():
    views = Views(torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), real_boxes=boxes)
    assert RGB()(views) is views


def test_grayscale_weights():
    primaries = torch.eye(3).view(3, 3, 1, 1)
    views = Grayscale()(Views(primaries, -primaries, fake_boxes=boxes))
    assert views.real.shape == (3, 1, 1, 1)
    torch.testing.assert_close(views.real.flatten(), torch.tensor([0.299, 0.587, 0.114]))
    torch.testing.assert_close(views.fake, -views.real)
    assert views.fake_boxes is boxes
    assert views.value_range == (-1.0, 1.0)


@given(level=st.floats(-1, 1), channels=st.sampled_from([1, 3]))
def test_grayscale_leaves_gray_as_it_is(level: float, channels: int):
    gray = torch.full((2, 3, 2, 2), level)
    views = Grayscale(channels=channels)(Views(gray, gray))
    torch.testing.assert_close(views.real, torch.full((2, channels, 2, 2), level))


@pytest.mark.parametrize("channels", [1, 3])
def test_grayscale_gradients(channels: int):
    images = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    gray = Grayscale(channels=channels)
    assert torch.autograd.gradcheck(lambda x: gray(Views(x.detach(), x)).fake, images)


def test_grayscale_needs_colour():
    with pytest.raises(PartError, match=r"grayscale: expected \(B, 3, H, W\) float, got \(2, 1, 4, 4\)"):
        Grayscale()(Views(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)))
