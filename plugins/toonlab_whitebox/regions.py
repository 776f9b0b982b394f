"""The properties by which selective search compares regions: colours, texture, size and position."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

COLOURS, TEXTURES = 25, 10  # bins of a channel; uniform local binary patterns of 8 neighbours have 10 codes


@dataclass(frozen=True)
class Regions:
    """The regions of one picture, R of them."""

    histograms: Reals  # (R, 3 * (25 + 10)): of colours and of texture, each summing to 1
    sizes: Integers  # (R,), in pixels
    boxes: Integers  # (R, 4): top, left, bottom, right; bottom and right are exclusive
    pairs: Integers  # (E, 2): regions that touch by a side, the lower number first, in ascending order
    pixels: int  # of the whole picture


def describe(image: NDArray[np.float32], labels: Integers) -> Regions:
    """Describe the regions of a picture: `(H, W, 3)` RGB in [-1, 1], and `(H, W)` numbers from 0 without a gap."""
    count = int(labels.max()) + 1
    levels = _lab_levels(image)
    colours = _histograms(levels.astype(np.int64) * COLOURS // 256, labels, count, COLOURS)
    textures = _histograms(_textures(levels), labels, count, TEXTURES)
    return Regions(
        histograms=np.concatenate([colours, textures], axis=1),
        sizes=np.bincount(labels.ravel(), minlength=count),
        boxes=_boxes(labels),
        pairs=_touching(labels),
        pixels=labels.size,
    )


def _lab_levels(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lab of the picture in [0, 1], in 256 levels: of L from 0 to 100, of a and b from -128 to 127."""
    from skimage.color import rgb2lab

    lab = rgb2lab((image + 1) / 2) * np.array([2.55, 1, 1]) + np.array([0, 128, 128])
    return np.clip(np.rint(lab), 0, 255).astype(np.uint8)


def _textures(levels: NDArray[np.uint8]) -> Integers:
    """Uniform local binary patterns of 8 neighbours at distance 1, of each channel."""
    from skimage.feature import local_binary_pattern

    pattern: Any = local_binary_pattern
    codes = [pattern(levels[..., channel], 8, 1, "uniform") for channel in range(levels.shape[2])]
    return np.stack(codes, axis=-1).astype(np.int64)


def _histograms(bins: Integers, labels: Integers, count: int, width: int) -> Reals:
    """Histograms of each region over all channels, summing to 1: `(H, W, C)` -> `(count, C * width)`."""
    channels = bins.shape[2]
    place = (labels[..., None] * channels + np.arange(channels)) * width + bins
    totals = np.bincount(place.ravel(), minlength=count * channels * width).reshape(count, -1)
    return totals / totals.sum(axis=1, keepdims=True)


def _boxes(labels: Integers) -> Integers:
    from scipy.ndimage import find_objects

    slices = find_objects(labels + 1)
    return np.array([[rows.start, columns.start, rows.stop, columns.stop] for rows, columns in slices])


def _touching(labels: Integers) -> Integers:
    across = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()])
    below = np.stack([labels[:-1].ravel(), labels[1:].ravel()])
    pairs = np.sort(np.concatenate([across, below], axis=1), axis=0)
    pairs = pairs[:, pairs[0] < pairs[1]]
    count = int(labels.max()) + 1
    return np.stack(np.divmod(np.unique(pairs[0] * count + pairs[1]), count), axis=1)
