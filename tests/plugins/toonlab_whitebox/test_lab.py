from __future__ import annotations

import torch
from skimage.color import rgb2lab

from toonlab_whitebox.lab import rgb_to_lab


def test_equals_scikit_image(images):
    rgb = (images[:3].double() + 1) / 2
    expected = torch.from_numpy(rgb2lab(rgb.movedim(1, -1).numpy())).movedim(-1, 1)
    torch.testing.assert_close(rgb_to_lab(rgb), expected, rtol=0, atol=2e-3)


def test_black_and_white():
    black_and_white = torch.stack([torch.zeros(3, 1, 1), torch.ones(3, 1, 1)])
    lab = rgb_to_lab(black_and_white)
    assert lab[0].tolist() == [[[0]], [[0]], [[0]]]
    torch.testing.assert_close(lab[1].flatten(), torch.tensor([100.0, 0.0, 0.0]), rtol=0, atol=1e-2)
