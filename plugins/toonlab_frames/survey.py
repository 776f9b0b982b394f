"""What all of a film has in common: black bars at its sides, and a static mark such as a station's logo."""

from __future__ import annotations

import warnings
from itertools import combinations, product
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab import ToonlabError, printable

from .film import Crop, Pixels, Size, read_frames

_LIT = 24  # levels of 255: brighter pixels are no black bar
_LIT_SHARE = 0.25  # of a row: such as more than a logo in the bar
_LIT_FRAMES = 0.1  # of all frames; in fewer, the credits or an opening logo may fill the bars
_LEAST_SIDE = 0.4  # of the frame's: what leaves less is a dark film, and no bars
_LONGEST = 480  # pixels: the size at which marks are looked for
_DIFFERENT = 8.0  # levels: frames that differ by less from the one before are the same shot
_LEAST_FRAMES = 8  # different ones, without which nothing is known to be static
_EDGE, _OFTEN, _ALIKE = 40.0, 0.7, 0.8  # Sobel's gradient; share of frames with it; how far its direction stays
_LEAST_PIXELS = 12  # of an edge
_MOST_AREA = 0.15  # of the frame: what covers more is no mark
_HDR = (16, 18)  # transfer characteristics: PQ, HLG
_MOST_LOST = 0.35  # of the picture, that cutting marks off may cost


class Survey:
    """Collects frames of a film, and tells their common crop. Memory does not depend on the number of frames."""

    def __init__(self) -> None:
        self.frames, self.size = 0, (0, 0)
        self._marks: Marks | None = None

    def add(self, gray: Pixels) -> None:
        """A frame, `(H, W)`; black ones, and those of another size than the first, tell nothing."""
        height, width = gray.shape
        lit = gray > _LIT
        if lit.mean() < 0.02 or (self.frames and self.size != (width, height)):
            return
        if not self.frames:
            self.size = (width, height)
            self._rows, self._columns, self._marks = np.zeros(height, int), np.zeros(width, int), Marks()
        self.frames += 1
        self._rows += lit.mean(1) > _LIT_SHARE
        self._columns += lit.mean(0) > _LIT_SHARE
        assert self._marks is not None
        self._marks.add(gray)

    def crop(self) -> tuple[Crop, bool]:
        """The crop without bars and marks, and whether there are marks that can't be cut off."""
        if self._marks is None:
            return (0, 0, 0, 0), False
        left, right = _between(self._columns, self.frames)
        top, bottom = _between(self._rows, self.frames)
        boxes = [
            _clipped(box, (left, top, right, bottom))
            for box in self._marks.boxes(self.size, (left, top, right, bottom))
        ]
        boxes = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
        free = _largest_free((left, top, right, bottom), boxes)
        lost = 1 - _area(free) / _area((left, top, right, bottom))
        return ((left, top, right, bottom), True) if lost > _MOST_LOST else (free, False)


class Marks:
    """Edges that stay where they are while everything else changes."""

    def __init__(self) -> None:
        self.frames = 0
        self._last: NDArray[np.float32] | None = None
        self._sum: NDArray[np.float32] = np.zeros((2, 1, 1), np.float32)
        self._length: NDArray[np.float32] = np.zeros((1, 1), np.float32)
        self._often: NDArray[np.float32] = np.zeros((1, 1), np.float32)

    def add(self, gray: Pixels) -> None:
        scale = min(1.0, _LONGEST / max(gray.shape))
        small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
        thumb = np.asarray(cv2.resize(small, (32, 18), interpolation=cv2.INTER_AREA), np.float32)
        if self._last is not None and np.abs(thumb - self._last).mean() < _DIFFERENT:
            return
        gradient = np.stack([cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)])
        length = np.hypot(*gradient)
        self._last, self.frames = thumb, self.frames + 1
        self._sum = self._sum + gradient
        self._length = self._length + length
        self._often = self._often + (length > _EDGE)

    def boxes(self, size: Size, inside: Crop) -> list[Crop]:
        """Where the marks are, in pixels of the frame, with a margin; `inside`: the picture between the bars."""
        if self.frames < _LEAST_FRAMES:
            return []
        static = (self._often >= _OFTEN * self.frames) & (np.hypot(*self._sum) >= _ALIKE * self._length)
        height, width = static.shape
        scale, margin = size[0] / width, 3
        left, top, right, bottom = (int(edge / scale) for edge in inside)
        bars = np.ones_like(static)
        bars[top + margin : bottom - margin, left + margin : right - margin] = False
        static &= ~bars  # their edges are static, too
        joined = cv2.dilate(static.astype(np.uint8), np.ones((height // 20 * 2 + 1,) * 2, np.uint8))
        count, labels = cv2.connectedComponents(joined)
        boxes = []
        for label in range(1, count):
            y, x = np.nonzero(static & (labels == label))
            if len(x) >= _LEAST_PIXELS:
                edges = (x.min() - margin, y.min() - margin, x.max() + 1 + margin, y.max() + 1 + margin)
                left, top, right, bottom = (round(float(edge) * scale) for edge in edges)
                boxes.append((left, top, right, bottom))
        return boxes if sum(map(_area, boxes)) <= _MOST_AREA * size[0] * size[1] else []


def survey(path: Path) -> tuple[Size, Crop]:
    """The stored size of a film's frames, and their crop, by its keyframes.

    Raises:
        ToonlabError: if the file is no film, or none of its frames can be decoded.
    """
    found, size, unfit = Survey(), None, dict[str, None]()
    for shown in read_frames(path, keyframes=True):
        if shown.frame.interlaced_frame:
            unfit["is interlaced, so moving edges are combed; `ffmpeg -i FILM -vf yadif NEW.mkv` mends that"] = None
        if shown.frame.color_trc in _HDR:
            unfit["has a high dynamic range, so its pictures are pale; convert it to SDR first"] = None
        gray = shown.frame.reformat(format="gray").to_ndarray()
        size = size or (gray.shape[1], gray.shape[0])
        found.add(np.asarray(gray, np.uint8))
    if size is None:
        raise ToonlabError(f"{printable(path)}: none of its frames can be decoded; give another copy")
    for text in unfit:
        warnings.warn(f"{printable(path)}: {text}", UserWarning, stacklevel=2)
    if not found.frames:
        return size, (0, 0, *size)
    crop, stays = found.crop()
    if stays:
        text = "has static marks over much of the picture, which can't be cut off; they stay in the pictures"
        warnings.warn(f"{printable(path)}: {text}", UserWarning, stacklevel=2)
    return found.size, crop


def _between(lit: NDArray[np.int_], frames: int) -> tuple[int, int]:
    """The first and the last but one index of the picture between two bars, a little inside of their soft edges."""
    length, found = len(lit), np.flatnonzero(lit >= max(1, _LIT_FRAMES * frames))
    if len(found) == 0 or found[-1] + 1 - found[0] < _LEAST_SIDE * length:
        return 0, length
    first, last, inside = int(found[0]), int(found[-1]) + 1, 1 + length // 400
    return first + inside * (first > 0), last - inside * (last < length)


def _clipped(box: Crop, to: Crop) -> Crop:
    return max(box[0], to[0]), max(box[1], to[1]), min(box[2], to[2]), min(box[3], to[3])


def _area(box: Crop) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _largest_free(whole: Crop, boxes: list[Crop]) -> Crop:
    """The largest part of `whole` that overlaps none of the boxes."""
    x = sorted({whole[0], whole[2], *(edge for box in boxes for edge in box[::2])})
    y = sorted({whole[1], whole[3], *(edge for box in boxes for edge in box[1::2])})
    parts = [(left, top, right, low) for (left, right), (top, low) in product(combinations(x, 2), combinations(y, 2))]
    free = [part for part in parts if not any(_overlap(part, box) for box in boxes)]
    return max(free, key=_area, default=whole)


def _overlap(one: Crop, other: Crop) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
