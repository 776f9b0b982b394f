"""Pictures as arrays: averaging, mixing, and the way between sRGB and linear light."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

# OpenCV's type stubs know no dtypes: unless said otherwise these are float32.
Image = NDArray[Any]  # (size, size, 3), RGB
Plane = NDArray[Any]  # (size, size)
Pictures = dict[str, NDArray[Any]]  # by their names: "photo", "cartoon", ...

GAMMA = 2.2
_TO_LINEAR = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)


def linear(color: ArrayLike) -> NDArray[np.float32]:
    """An sRGB colour in linear light, `(3,)`."""
    return np.array(color, np.float32) ** np.float32(GAMMA)


def linear_image(image: Image) -> Image:
    """An sRGB uint8 image in linear light."""
    return cv2.LUT(np.ascontiguousarray(image), _TO_LINEAR)


def blend(a: Image, b: Image, share: Plane) -> Image:
    """`a` with a share of `b`, in [0, 1], at each pixel; either may be one colour, `(3,)`."""
    share = np.ascontiguousarray(share, np.float32)
    a, b = (image if image.ndim == 3 else tint(np.ones_like(share), image) for image in (a, b))
    return cv2.blendLinear(a, b, np.float32(1) - share, share)


def tint(plane: Plane, color: NDArray[np.float32]) -> Image:
    """A colour, `(3,)`, times each pixel's brightness."""
    return cv2.merge([plane * channel for channel in color])


def lookup(table: NDArray[np.uint8], labels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The row of four numbers that belongs to each label, `(h, w, 4)`, in one gather for all four."""
    packed = np.ascontiguousarray(table).view(np.uint32)[:, 0].take(labels)
    return packed.view(np.uint8).reshape(*labels.shape, 4)


def shrink(picture: NDArray[Any], size: int) -> NDArray[Any]:
    """Average the supersamples of each pixel; keeps the dtype."""
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def unit(picture: NDArray[Any]) -> NDArray[Any]:
    """uint8 to float32 in [0, 1]."""
    return picture.astype(np.float32) / np.float32(255)


def as_bytes(picture: Image) -> NDArray[np.uint8]:
    """Rounded and cut off to uint8, from float in [0, 255]."""
    return np.asarray(cv2.convertScaleAbs(picture), np.uint8)


def soften(picture: NDArray[Any], radius: float) -> NDArray[Any]:
    """Gaussian blur of a standard deviation given in picture sides, and a touch more, so that it never vanishes."""
    return cv2.GaussianBlur(picture, (0, 0), radius * picture.shape[0] + 0.2)
