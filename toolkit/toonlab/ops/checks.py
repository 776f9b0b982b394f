"""Checks of tensors whose errors carry what was expected and what was got."""

from __future__ import annotations

from torch import Tensor

from toonlab.errors import PartError


def check_images(images: Tensor, name: str = "images", channels: int | None = None) -> None:
    """Raise `PartError` unless `images` is `(B, C, H, W)` float, with C = `channels` if given."""
    expected = f"(B, {channels or 'C'}, H, W) float"
    if images.ndim != 4 or not images.is_floating_point() or channels not in (None, images.shape[1]):
        raise PartError(f"{name}: expected {expected}, got {tuple(images.shape)} {images.dtype}")


def check_fits(size: int, height: int, width: int, name: str) -> None:
    """Raise `PartError` if a square of `size` pixels does not fit into an image."""
    if size > min(height, width):
        raise PartError(
            f"{name}={size} does not fit an image of {height}x{width} pixels; it can be at most {min(height, width)}"
        )
