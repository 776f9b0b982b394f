"""Superpixels by k-means over colour and position: for a batch on any device, and by scikit-image on a CPU."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from toonlab import check_images
from toonlab.ops.filters import full_precision, min_max
from toonlab.ops.precision import float32_products

from .labels import connected

_SMOOTHING = 1.0  # standard deviation in pixels, as the original's call has it
_ITERATIONS = 10  # scikit-image's default
_ABSENT = 1e4  # the position of a missing centre, too far away to be chosen
# of sRGB's red, green and blue, each row divided by the white point of D65 (IEC 61966-2-1)
_XYZ = (
    (0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883),
)


@torch.no_grad()
def slic(images: Tensor, segments: int = 200, compactness: float = 10.0) -> Tensor:
    """Superpixels: `(B, 3, H, W)`, any range, -> `(B, H, W)` int64, region numbers below H*W.

    Achanta et al., "SLIC Superpixels", PAMI 2012, with scikit-image's settings: each image is stretched to [0, 1],
    smoothed, and clustered by Lab colour and position. A pixel belongs to a centre of its own cell of the initial grid
    or of the 8 cells around it. The pixels of a centre are summed by matrix products, which are deterministic on a GPU.
    Disconnected parts of a superpixel become regions of their own, or, if smaller than half a cell, part of the region
    above or to the left.

    Args:
        segments: approximate number of initial cells, some of which vanish; at most one per pixel.
        compactness: weight of position against colour; larger is rounder.
    """
    check_images(images, "slic", channels=3)
    height, width = images.shape[2:]
    grid = cells(height, width, segments, images.device)
    # distances are small differences of large numbers: no bf16, no TF32
    with torch.autocast(images.device.type, enabled=False), float32_products():
        choice = _cluster(_features(full_precision(images), grid.step, compactness), grid)
    extent = 5 * math.ceil(grid.step)  # a superpixel lies in 3x3 cells, whose sides are up to 1.5 steps
    return connected(choice.view(-1, height, width), int(0.5 * grid.step**2), extent)


def scikit_slic(image: NDArray[np.float32], segments: int = 200, compactness: float = 10.0) -> NDArray[np.int64]:
    """`slic` by scikit-image, on one core, without the GIL: `(H, W, 3)`, any range, -> `(H, W)`."""
    from skimage.segmentation import slic

    segments = min(segments, image[..., 0].size)
    return slic(image, segments, compactness, max_num_iter=_ITERATIONS, sigma=_SMOOTHING, start_label=0)


@dataclass(frozen=True)
class Cells:
    """A picture of H x W pixels, divided into a grid of cells whose sides differ by at most one pixel.

    All cells have the `room` of the largest one; surplus entries of smaller cells are not their own pixels.
    """

    pixels: Tensor  # (cells, room) int64, indices into the flattened picture
    own: Tensor  # (cells, room) bool: whether that entry is a pixel of this cell
    home: Tensor  # (H*W,) int64, each pixel's index in the flattened (cells, room)
    near: Tensor  # (cells, 9) int64, the 3x3 cells around a cell, row by row; `cells` outside the picture
    back: Tensor  # (cells, 9) int64, this cell's entries in the flattened `near` of these nine; `9 * cells` outside
    step: float  # the square root of a cell's mean area, in pixels


@lru_cache(maxsize=8)
def cells(height: int, width: int, segments: int, device: torch.device) -> Cells:
    """Approximately `segments` cells, as square as possible."""
    step = math.sqrt(height * width / min(segments, height * width))
    rows, columns = (max(1, min(side, round(side / step))) for side in (height, width))
    y, own_y = _cut(height, rows)  # (rows, room)
    x, own_x = _cut(width, columns)  # (columns, room)
    pixels = (y[:, None, :, None] * width + x[None, :, None, :]).flatten(0, 1).flatten(1)
    own = (own_y[:, None, :, None] & own_x[None, :, None, :]).flatten(0, 1).flatten(1)
    home = torch.empty(height * width, dtype=torch.int64)
    home[pixels[own]] = torch.arange(own.numel())[own.flatten()]
    near, back = _neighbours(rows, columns)
    pixels, own, home, near, back = (table.to(device) for table in (pixels, own, home, near, back))
    return Cells(pixels, own, home, near, back, step)


def _cut(length: int, parts: int) -> tuple[Tensor, Tensor]:
    """A side divided into parts: the pixels of each, `(parts, room)`, and whether they are its own."""
    ends = torch.arange(parts + 1) * length // parts
    room = int(ends.diff().max())
    place = ends[:-1, None] + torch.arange(room)
    return place.clamp(max=length - 1), place < ends[1:, None]


def _neighbours(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    number = torch.full((rows + 2, columns + 2), rows * columns)
    number[1:-1, 1:-1] = torch.arange(rows * columns).view(rows, columns)
    near = number.unfold(0, 3, 1).unfold(1, 3, 1).reshape(rows * columns, 9)
    # seen from the neighbour at offset o, this cell lies at the opposite offset
    back = torch.where(near < rows * columns, near * 9 + 8 - torch.arange(9), 9 * rows * columns)
    return near, back


def _features(images: Tensor, step: float, compactness: float) -> Tensor:
    """The features of pixels, colour and position in units of their typical distance: `(B, 5, H, W)`."""
    batch, _, height, width = images.shape
    colour = rgb_to_lab(_smooth(min_max(images, dim=(1, 2, 3)))) / compactness
    y = torch.arange(height, device=images.device, dtype=colour.dtype) / step
    x = torch.arange(width, device=images.device, dtype=colour.dtype) / step
    place = torch.stack(torch.meshgrid(y, x, indexing="ij"))
    return torch.cat([colour, place.expand(batch, 2, height, width)], dim=1)


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


def _smooth(images: Tensor) -> Tensor:
    """A Gaussian blur with a replicated border."""
    radius = int(4 * _SMOOTHING + 0.5)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / _SMOOTHING) ** 2)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (radius,) * 4, "replicate")
    rows = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(rows, kernel.transpose(2, 3), groups=images.shape[1])


def _cluster(features: Tensor, grid: Cells) -> Tensor:
    """The final centre of each pixel: `(B, D, H, W)` -> `(B, H*W)` int64."""
    batch, (count, room) = len(features), grid.pixels.shape
    inside = features.flatten(2)[..., grid.pixels] * grid.own  # (B, D, cells, room)
    ones = grid.own.to(features.dtype).expand(batch, 1, count, room)
    points = torch.cat([inside, ones], dim=1).transpose(1, 2).flatten(0, 1)  # (B*cells, D+1, room)
    sums = points.sum(2).view(batch, count, -1)
    centres = sums[..., :-1] / sums[..., -1:]  # (B, cells, D)
    for _ in range(_ITERATIONS - 1):
        distances = _distances(points, centres, grid)
        chosen = (distances == distances.amin(1, keepdim=True)).to(points.dtype)
        centres = _means(chosen @ points.transpose(1, 2), centres, grid)
    offset = _distances(points, centres, grid).argmin(1).view(batch, count * room)[:, grid.home]
    cell = grid.home.div(room, rounding_mode="floor")
    return grid.near[cell.expand_as(offset), offset]


def _distances(points: Tensor, centres: Tensor, grid: Cells) -> Tensor:
    """Squared distances to the 9 centres around a pixel's cell, minus |pixel|²: `(B*cells, 9, room)`."""
    around = F.pad(centres, (0, 0, 0, 1), value=_ABSENT)[:, grid.near].flatten(0, 1)  # (B*cells, 9, D)
    return torch.baddbmm(around.square().sum(2, keepdim=True), around, points[:, :-1], alpha=-2)


def _means(sums: Tensor, centres: Tensor, grid: Cells) -> Tensor:
    """New centres from the sums of each cell's pixels for its 9 centres, `(B*cells, 9, D+1)`; empty ones stay."""
    batch, count = centres.shape[:2]
    given = F.pad(sums.view(batch, count * 9, -1), (0, 0, 0, 1))
    total = given[:, grid.back].sum(2)  # (B, cells, D+1)
    return torch.where(total[..., -1:] > 0, total[..., :-1] / total[..., -1:].clamp_min(1), centres)
