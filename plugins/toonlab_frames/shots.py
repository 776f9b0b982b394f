"""Shots of a film: where they end, which frames are black, credits or part of a transition, and the sharpest frames.

Frames come one after the other; a segment depends on nothing before its first frame, so that reading may begin at any.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .film import Pixels

Kind = Literal["shot", "black", "credits", "transition", "short", "damaged", "other size"]

LONGEST = 320  # pixels: the longer side of the frames that are looked at
SHORTEST = 5  # frames of a shot
_THUMB = (32, 18)
_CUT, _CUT_RATIO, _RECENT = 10.0, 2.0, 8  # levels; times the largest recent change, of so many frames
_WINDOW = 16  # frames in which a dissolve is looked for
_DISSOLVE, _STEADY, _STEP = 20.0, 0.2, 0.3  # levels; deviation from a blend, and largest step, as shares of the change
_BLACK, _DARK, _LIGHT = 24, 40, 110  # levels
_MOST_TIMES = 512  # frames of a shot that are remembered


class Look(NamedTuple):
    """What is looked at of a frame: `thumb` is `(18, 32, 3)` in levels of 255, `sharpness` grows with fine contrast."""

    time: float
    kind: Kind
    thumb: NDArray[np.float32]
    sharpness: float


@dataclass
class Segment:
    """Consecutive frames of a kind: their number, the time of the last, and the times of a shot's sharpest frames."""

    kind: Kind
    frames: int
    end: float
    sharpest: list[float] = field(default_factory=list)


def look(time: float, small: Pixels) -> Look:
    """Look at a frame without bars and marks, `(H, W, 3)` uint8 RGB."""
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    kind: Kind = "shot"
    if (gray > _BLACK).mean() < 0.02:
        kind = "black"
    elif (gray < _DARK).mean() > 0.7 and _has_lines_of_text(np.asarray(gray, np.uint8)):
        kind = "credits"
    thumb = cv2.resize(small, _THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
    return Look(time, kind, thumb, float(cv2.Laplacian(gray, cv2.CV_32F).var()))


def _has_lines_of_text(gray: Pixels) -> bool:
    """Whether most bright spots have the size of letters, and stand in rows."""
    height = len(gray)
    *_, stats, centers = cv2.connectedComponentsWithStats((gray > _LIGHT).astype(np.uint8))
    tall = stats[1:, cv2.CC_STAT_HEIGHT]
    letters = (tall >= max(3, height / 60)) & (tall <= height / 6) & (stats[1:, cv2.CC_STAT_WIDTH] < gray.shape[1] / 2)
    y, tall = centers[1:, 1][letters], tall[letters]
    if len(y) < 5:
        return False
    in_row = (np.abs(y[:, None] - y) <= np.median(tall) / 2).sum(1) >= 4
    area = stats[1:, cv2.CC_STAT_AREA]
    return bool(in_row.mean() >= 0.5 and area[letters].sum() >= 0.5 * area.sum())


class ShotFinder:
    """Divides the looks at a film's frames into segments.

    A cut is a change far above the recent ones, with at least five frames since the last. A dissolve is a window of
    frames whose middle is the mean of its ends.

    Args:
        per_shot: sharp frames of each shot: the sharpest of as many equal parts.
    """

    _last: Look | None
    _count: int  # of the frames of the segment
    _blending: int  # frames of the transition that are still to come
    _before: float  # the time of the last frame before the window

    def __init__(self, per_shot: int = 1) -> None:
        self.per_shot = per_shot
        self._begin(None)

    def add(self, seen: Look) -> Iterator[Segment]:
        """The segments that end before this frame or, for a transition, with it."""
        if self._blending:
            self._blending -= 1
            self._count, self._last = self._count + 1, seen
            if not self._blending:
                yield Segment("transition", self._count, seen.time)
                self._begin(None)
            return
        if self._last is not None and (seen.kind != self._last.kind or (seen.kind == "shot" and self._is_cut(seen))):
            yield from self.end()
        if self._last is not None:
            self._changes.append(float(np.abs(seen.thumb - self._last.thumb).mean()))
        self._last, self._count = seen, self._count + 1
        if seen.kind != "shot":
            return
        self._window.append(seen)
        if len(self._window) > _WINDOW:
            if self._is_dissolve():
                yield from self._end_in_transition()
            else:
                self._remember(self._window.popleft())

    def end(self) -> Iterator[Segment]:
        """The segment of the last frames."""
        if self._last is None:
            return
        if self._blending or self._last.kind != "shot" or self._is_fade():
            kind: Kind = self._last.kind if self._last.kind != "shot" else "transition"
            yield Segment("transition" if self._blending else kind, self._count, self._last.time)
        else:
            self._window.pop()  # next to a cut, frames are compressed worst, and may be blended
            for seen in self._window:
                self._remember(seen)
            yield self._shot(self._count, self._last.time)
        self._begin(None)

    def _begin(self, last: Look | None) -> None:
        self._last, self._count, self._blending = last, 0, 0
        self._window: deque[Look] = deque()
        self._changes: deque[float] = deque(maxlen=_WINDOW)
        self._times: list[tuple[float, float]] = []  # sharpness, time
        self._first = True

    def _is_cut(self, seen: Look) -> bool:
        assert self._last is not None
        if len(self._changes) < SHORTEST - 1:  # not known yet how much changes in this shot
            return False
        change = float(np.abs(seen.thumb - self._last.thumb).mean())
        recent = list(self._changes)[-_RECENT:]  # the largest: animation often moves in every third frame only
        return change > max(_CUT, _CUT_RATIO * max(recent))

    def _is_fade(self) -> bool:
        """Whether a short shot never rests: a fade whose begin looked like a cut."""
        return len(self._window) == self._count >= SHORTEST and min(self._changes) > _CUT

    def _is_dissolve(self) -> bool:
        first, middle, last = (self._window[at].thumb for at in (0, _WINDOW // 2, -1))
        change = float(np.abs(last - first).mean())
        if change < _DISSOLVE or max(self._changes) > _STEP * change:
            return False
        return bool(np.abs(middle - (first + last) / 2).mean() < _STEADY * change)

    def _end_in_transition(self) -> Iterator[Segment]:
        """End the shot before the window; its frames are of the transition, as half as many still to come."""
        window, last = len(self._window), self._last
        before = self._count - window
        if before:
            yield self._shot(before, self._before)
        self._begin(last)
        self._count, self._blending = window, _WINDOW // 2

    def _remember(self, seen: Look) -> None:
        was_first = self._first
        self._before, self._first = seen.time, False
        if was_first:
            return
        self._times.append((seen.sharpness, seen.time))
        if len(self._times) == _MOST_TIMES:
            self._times = [max(pair) for pair in zip(self._times[::2], self._times[1::2], strict=True)]

    def _shot(self, frames: int, end: float) -> Segment:
        if frames < SHORTEST:
            return Segment("short", frames, end)
        parts = min(self.per_shot, len(self._times))
        edges = [round(part * len(self._times) / parts) for part in range(parts + 1)]
        times = [max(self._times[start:stop])[1] for start, stop in pairwise(edges)]
        return Segment("shot", frames, end, times)
