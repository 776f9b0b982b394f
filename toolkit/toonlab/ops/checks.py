"""Checks of the tensors and views that a part is given; errors state what was expected and what was given."""

import torch
from torch import Tensor

from toonlab.errors import PartError
from toonlab.types import Views


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
    """Check that a square of `size` x `size` pixels fits into an image of `height` x `width` pixels.

    Args:
        name: of the parameter that gives the size, for the error: `random_patches: patch_size`.

    Raises:
        PartError: with the largest size that fits.
    """
    if size > min(height, width):
        raise PartError(
            f"{name}={size} does not fit an image of {width}x{height} pixels; it can be at most {min(height, width)}"
        )


def check_sides(images: Tensor, name: str, multiple: int = 1, smallest: int = 1) -> None:
    """Check the height and width of images, `(..., H, W)`.

    Args:
        images: any range.
        name: of what has the sides, for the error: `ctss_unet: sides`.
        multiple: both sides must be multiples of it.
        smallest: both sides must be at least this many pixels.

    Raises:
        PartError: with the required and the actual sides.
    """
    height, width = images.shape[-2:]
    if height % multiple or width % multiple or min(height, width) < smallest:
        required = [f"multiples of {multiple}"] * (multiple > 1) + [f"at least {smallest}"] * (smallest > 1)
        raise PartError(f"{name} must be {' and '.join(required)}, got {width}x{height}")


def generator_of(views: Views, name: str) -> torch.Generator:
    """The generator of random numbers in the context of views; draw on the CPU, then move the numbers to the device.

    Args:
        views: as a sampler, representation or discriminator loss gets them.
        name: of the part that draws, for the error.

    Raises:
        PartError: if the views have no context.
    """
    if views.context is None:
        raise PartError(f"{name}: draws random numbers, but these views have no context to take a generator from")
    return views.context.rng
