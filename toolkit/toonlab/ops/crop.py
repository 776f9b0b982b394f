"""Cut boxes out of images, with gradients that are the same in every run."""

from typing import Any

import torch
from torch import Tensor

Corners = list[list[int]]  # image, top, left of each box


def crop(images: Tensor, boxes: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Cut boxes of one size out of images; gradients of overlapping boxes add up.

    Args:
        images: `(B, C, H, W)`, any range.
        boxes: `(N, 5)` int64: image, top, left, height, width, in pixels; all of one height and width.
        size: that height and width, if the caller knows it: reading it from `boxes` synchronises a GPU.

    Returns:
        `(N, C, height, width)`.

    Raises:
        ValueError: if the boxes differ in size (checked only where `size` is not given).
    """
    if size is None:
        sizes = {(int(h), int(w)) for h, w in boxes[:, 3:].tolist()}
        if len(sizes) != 1:
            raise ValueError(f"crop: boxes must have one size, got {sorted(sizes)}; crop each size by itself")
        size = sizes.pop()
    if images.device.type == "cpu":
        return _Crop.apply(images, boxes[:, :3].tolist(), size)
    image, top, left = boxes[:, 0], boxes[:, 1], boxes[:, 2]
    rows = top[:, None] + torch.arange(size[0], device=images.device)  # (N, h)
    columns = left[:, None] + torch.arange(size[1], device=images.device)  # (N, w)
    patches = images.movedim(1, -1)[image[:, None, None], rows[:, :, None], columns[:, None, :]]  # (N, h, w, C)
    return patches.movedim(-1, 1)


class _Crop(torch.autograd.Function):
    """`crop` by slices. On the CPU the gradient of indexing is summed in an order that changes from run to run."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, corners: Corners, size: tuple[int, int]) -> Tensor:
        ctx.corners, ctx.shape = corners, images.shape
        patches = [images[image].narrow(1, top, size[0]).narrow(2, left, size[1]) for image, top, left in corners]
        return torch.stack(patches) if patches else images.new_empty(0, images.shape[1], *size)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Paste.apply(*gradient, ctx.corners, ctx.shape), None, None


class _Paste(torch.autograd.Function):
    """The adjoint of `_Crop`: patches added up at their places in empty images, in the order of the boxes."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, corners: Corners, shape: torch.Size) -> Tensor:
        ctx.corners, ctx.size = corners, patches.shape[2:]
        images = patches.new_zeros(shape)
        for patch, (image, top, left) in zip(patches, corners, strict=True):
            images[image].narrow(1, top, ctx.size[0]).narrow(2, left, ctx.size[1]).add_(patch)
        return images

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Crop.apply(*gradient, ctx.corners, ctx.size), None, None
