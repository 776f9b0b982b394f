"""Edge detection, and smoothing along edges, which makes the counterexamples of CartoonGAN's and AnimeGAN's critics."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.errors import PartError

from .checks import check_images, check_sides
from .levels import to_levels

LOW, HIGH = 100, 200  # Canny's thresholds on |dx| + |dy|, in levels
_REACH = 2  # half a window of 5x5: of the dilation and of the Gaussian
_SLOPE = 13573  # tan(22.5°) in 1/32768, as OpenCV rounds it; tan(67.5°) is 2 more


def smooth_edges(
    images: Tensor, value_range: tuple[float, float] = (-1.0, 1.0), gray: Tensor | None = None, exact: bool = False
) -> Tensor:
    """Smooth images along their edges only.

    Chen, Lai and Liu, "CartoonGAN", CVPR 2018, section 3.2.1, with the numbers of `edge_promoting.py` of its PyTorch
    code and `edge_smooth.py` of AnimeGAN's: Canny's edges (thresholds 100 and 200) of the gray image are dilated by a
    square of 5x5, and there each channel is replaced by its 5x5 Gaussian (1 4 6 4 1, reflected at the border), rounded
    down to a whole level. Computed in levels, 0..255 over `value_range`; all other pixels keep their exact values.

    The result has no gradient. On a GPU it is computed there, without synchronisation, in integer arithmetic with
    exactly OpenCV's results; on a CPU OpenCV itself is used, which is faster.

    Args:
        images: `(B, C, H, W)` in `value_range`, any number of channels; values outside are clipped.
        value_range: the minimum and the maximum.
        gray: `(B, 1, H, W)` in `value_range`: the image whose edges count. By default OpenCV's luminance of 3 channels,
            or the mean of another number. The originals take the decoder's gray, which is rounded differently.
        exact: use OpenCV on every device, as the originals do.

    Returns:
        `(B, C, H, W)` in the images' dtype.

    Raises:
        PartError: if the shapes do not fit or a side is below 3.
    """
    _check(images, gray)
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        levels = to_levels(images, value_range)
        grays = gray_levels(levels) if gray is None else to_levels(gray, value_range)
        smoothen = _smooth_opencv if exact or images.device.type == "cpu" else _smooth_torch
        near, blurred = smoothen(levels, grays)
        low, high = value_range
        values = blurred.to(images.device, torch.float32) / (255 / (high - low)) + low
        return torch.where(near.to(images.device), values.to(images.dtype), images)


def gray_levels(levels: Tensor) -> Tensor:
    """Gray of RGB levels with exactly the values of `cv2.cvtColor`; of another number of channels, their rounded mean.

    Args:
        levels: `(B, C, H, W)` uint8.

    Returns:
        `(B, 1, H, W)` uint8.
    """
    if levels.shape[1] != 3:
        return levels if levels.shape[1] == 1 else levels.float().mean(1, keepdim=True).round_().to(torch.uint8)
    red, green, blue = levels.int().unbind(dim=1)
    return ((9798 * red + 19235 * green + 3735 * blue + (1 << 14)) >> 15).to(torch.uint8).unsqueeze(1)


def canny(gray: Tensor) -> Tensor:
    """Canny's edges with exactly the pixels of `cv2.Canny(gray, 100, 200)`, on any device.

    Canny, "A Computational Approach to Edge Detection", PAMI 1986, without its Gaussian: 3x3 Sobel derivatives with a
    replicated border, |dx| + |dy|, maxima along the gradient's direction in steps of 45°, and hysteresis: weak edges
    count where they are connected to strong ones.

    Args:
        gray: `(B, 1, H, W)` in whole levels, 0..255, of any dtype.

    Returns:
        `(B, 1, H, W)` bool.
    """
    dx, dy = _sobel(gray)
    strength = dx.abs() + dy.abs()  # at most 2040
    ridge = _maxima(strength, dx, dy) & (strength > LOW)
    return connected(ridge, ridge & (strength > HIGH))


def connected(mask: Tensor, seeds: Tensor) -> Tensor:
    """The pixels of a mask that are connected to a seed through 8-neighbours in the mask.

    Parallel union-find by Zhang, Azad and Buluç, "Parallel algorithms for finding connected components using linear
    algebra", JPDC 2020 (FastSV), with all seeds as one node. It takes log2(area) rounds; a test for convergence would
    synchronise the device.

    Args:
        mask: `(B, 1, H, W)` bool.
        seeds: `(B, 1, H, W)` bool, a subset of the mask.

    Returns:
        `(B, 1, H, W)` bool.
    """
    batch, _, height, width = mask.shape
    area = height * width
    parent = torch.arange(area + 1, device=mask.device).repeat(batch, 1)  # (B, 1 + area); node 0 stands for all seeds
    parent[:, 1:].masked_fill_(seeds.flatten(1), 0)
    outside = ~mask
    for _ in range(area.bit_length()):
        grandparent = parent.gather(1, parent)
        least = grandparent[:, 1:].view_as(mask).masked_fill(outside, area)  # the largest label there is
        least = _least_neighbour(least).masked_fill_(outside, area).flatten(1)
        hooked = parent.scatter_reduce(1, parent[:, 1:], least, "amin")
        hooked[:, 1:] = torch.minimum(hooked[:, 1:], least)
        parent = torch.minimum(hooked, grandparent)
    return mask & (parent[:, 1:] == 0).view_as(mask)


def _check(images: Tensor, gray: Tensor | None) -> None:
    check_images(images, "smooth_edges")
    check_sides(images, "smooth_edges: sides", smallest=_REACH + 1)
    count, _, height, width = images.shape
    if gray is not None and gray.shape != (count, 1, height, width):
        raise PartError(f"smooth_edges: gray should be {(count, 1, height, width)}, got {tuple(gray.shape)}")


def _smooth_opencv(levels: Tensor, grays: Tensor) -> tuple[Tensor, Tensor]:
    """Levels, `(B, C, H, W)`, and gray, `(B, 1, H, W)` -> mask of dilated edges, `(B, 1, H, W)`, and blurred levels."""
    import cv2  # a slow import, and most runs never smooth edges

    square, weights = np.ones((5, 5), np.uint8), np.array([1, 4, 6, 4, 1], np.float32) / 16
    near, blurred = np.empty(grays.shape, np.uint8), np.empty(levels.shape, np.uint8)
    for index, gray in enumerate(grays[:, 0].cpu().numpy()):
        cv2.dilate(cv2.Canny(gray, LOW, HIGH), square, dst=near[index, 0])
        for channel, plane in enumerate(levels[index].cpu().numpy()):
            blurred[index, channel] = cv2.sepFilter2D(plane, cv2.CV_32F, weights, weights)  # float32 is exact here
    return torch.from_numpy(near) > 0, torch.from_numpy(blurred)


def _smooth_torch(levels: Tensor, grays: Tensor) -> tuple[Tensor, Tensor]:
    """`_smooth_opencv` on any device."""
    near = F.max_pool2d(canny(grays).float(), 2 * _REACH + 1, 1, _REACH) > 0
    sums = F.pad(levels.float(), (_REACH,) * 4, "reflect").int()
    for dim in (2, 3):
        for _ in range(4):  # 1 4 6 4 1 is (1 1) four times
            sums = sums.narrow(dim, 0, sums.shape[dim] - 1) + sums.narrow(dim, 1, sums.shape[dim] - 1)
    return near, (sums >> 8).to(torch.uint8)


def _sobel(gray: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives along x and y, 1 2 1 across, `(B, 1, H, W)` int32; the border is replicated."""
    padded = F.pad(gray.float(), (1, 1, 1, 1), "replicate").int()
    down, right = padded[..., 2:, :] - padded[..., :-2, :], padded[..., 2:] - padded[..., :-2]
    dx = right[..., :-2, :] + 2 * right[..., 1:-1, :] + right[..., 2:, :]
    return dx, down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]


def _maxima(strength: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """Where the strength is maximal along the gradient (horizontal, vertical, diagonal); the first of a plateau."""
    padded = F.pad(strength, (1, 1, 1, 1))
    height, width = strength.shape[2:]

    def neighbour(down: int, right: int) -> Tensor:
        return padded[..., 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    x, y = dx.abs(), dy.abs() << 15
    rising = (dx ^ dy) >= 0  # the gradient points along the main diagonal
    horizontal = (strength > neighbour(0, -1)) & (strength >= neighbour(0, 1))
    vertical = (strength > neighbour(-1, 0)) & (strength >= neighbour(1, 0))
    down_right = (strength > neighbour(-1, -1)) & (strength > neighbour(1, 1))
    down_left = (strength > neighbour(-1, 1)) & (strength > neighbour(1, -1))
    steep = torch.where(y > x * (_SLOPE + (2 << 15)), vertical, torch.where(rising, down_right, down_left))
    return torch.where(y < x * _SLOPE, horizontal, steep)


def _least_neighbour(values: Tensor) -> Tensor:
    """The minimum over each pixel and its 8 neighbours, `(B, 1, H, W)` int64 below 2**53."""
    largest = values.shape[2] * values.shape[3]
    exact = values.to(torch.float32 if largest < 2**24 else torch.float64)
    return F.max_pool2d(exact.neg_(), 3, stride=1, padding=1).neg_().to(values.dtype)
