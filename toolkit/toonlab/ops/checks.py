"""Checks of tensors; their errors state the expected and the actual shape."""

from __future__ import annotations

from torch import Tensor

from toonlab.errors import PartError


def check_images(images: Tensor, name: str = "images", channels: int | None = None) -> None:
    """Check that a tensor is a batch of images, `(B, C, H, W)` float; values are not looked at.

    Args:
        images: the tensor.
        name: of the part that checks its input, for the error.
        channels: the required C; any number if not given.

    Raises:
        PartError: with the expected and the actual shape and dtype.
    """
    expected = f"(B, {channels or 'C'}, H, W) float"
    if images.ndim != 4 or not images.is_floating_point() or channels not in (None, images.shape[1]):
        raise PartError(f"{name}: expected {expected}, got {tuple(images.shape)} {images.dtype}")


def check_fits(size: int, height: int, width: int, name: str) -> None:
    """Check that a square of `size` pixels fits into an image of `height` x `width` pixels.

    Args:
        size: side of the square, in pixels.
        height: of the image.
        width: of the image.
        name: of the parameter that gives the size, for the error: `random_patches: patch_size`.

    Raises:
        PartError: with the largest size that fits.
    """
    if size > min(height, width):
        raise PartError(
            f"{name}={size} does not fit an image of {height}x{width} pixels; it can be at most {min(height, width)}"
        )
