"""CIE Lab, in which distances approximate perceived differences."""

from __future__ import annotations

import torch
from torch import Tensor

# of sRGB's red, green and blue, each row divided by the white point of D65 (IEC 61966-2-1)
_XYZ = (
    (0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883),
)


def rgb_to_lab(images: Tensor) -> Tensor:
    """sRGB in [0, 1] to CIE 1976 Lab under D65: `(B, 3, H, W)` -> `(B, 3, H, W)`, L in [0, 100], a and b about +-100.

    The formulas of `skimage.color.rgb2lab`.
    """
    linear = torch.where(images > 0.04045, ((images.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4, images / 12.92)
    red, green, blue = linear.unbind(dim=1)
    xyz = torch.stack([r * red + g * green + b * blue for r, g, b in _XYZ], dim=1)
    cubic = torch.where(xyz > 0.008856, xyz.clamp_min(0.008856) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = cubic.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
