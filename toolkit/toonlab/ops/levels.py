"""Conversion between floats and whole levels, 0..255."""

import torch
from torch import Tensor

from .filters import full_precision


def to_float(images: Tensor) -> Tensor:
    """Whole levels as floats: uint8 0..255 -> float32 in [-1, 1], any shape. Floats become float32, unscaled."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images.float()


def to_levels(images: Tensor, value_range: tuple[float, float] = (-1.0, 1.0)) -> Tensor:
    """Floats as the nearest whole levels, uint8 0..255.

    Args:
        images: any shape, in `value_range`; values outside are clipped.
        value_range: the values of the levels 0 and 255.

    Returns:
        uint8 of the same shape.
    """
    low, high = value_range
    return ((full_precision(images) - low) * (255 / (high - low))).round_().clamp_(0, 255).to(torch.uint8)
