"""Pictures as they are sent: without metadata, and the effect that attentive raters tell from the photo."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toonlab import read_picture

Pixels = NDArray[np.uint8]  # (H, W, 3)


def sent(path: Path) -> bytes:
    """A picture's pixels as a PNG file, without anything else that its file says."""
    return _png(_pixels(path))


def effect(path: Path) -> bytes:
    """A photo as a PNG file with flat colours and black lines: more of a cartoon, less of the scene, than the photo."""
    pixels = _pixels(path)
    flat = cv2.pyrMeanShiftFiltering(pixels, 12, 40) // 43 * 43 + 21
    gray = cv2.medianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 5)
    side = max(5, min(pixels.shape[:2]) // 24 * 2 + 1)
    lines = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, side, 6)
    return _png(np.where(lines[..., None] > 0, flat, 0).astype(np.uint8))


def _pixels(path: Path) -> Pixels:
    return np.ascontiguousarray(read_picture(path).movedim(0, -1).numpy())


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
