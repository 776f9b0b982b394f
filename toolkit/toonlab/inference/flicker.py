"""Flicker: how much a cartoon changes where its clip does not, and a blend over time that lessens it.

Nothing is warped: what moves is neither measured nor blended. This is no metric of a study, since those measure samples
in any order, and flicker is a property of consecutive frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3), RGB
Values = NDArray[np.float32]
STILL = 3.0  # levels of 255: the mean change, over a square of 7x7 pixels, up to which a place counts as unchanged
_AROUND = (7, 7)


class Flicker:
    """Takes the frames of a clip in order, measures them, and blends each with the one before if asked to.

    A place is unchanged where the largest change of the three colours, averaged over 7x7 pixels, is at most 3 levels of
    255. With a strength S, an unchanged place of a cartoon becomes (1 - S) of itself and S of the frame before; the
    share falls to nothing where the clip changes by 6 levels. The clip is blended by the same shares, and changes are
    those from this blend, not from the last frame: a slow change adds up until it is seen, and no ghost stays.

    Args:
        strength: S, in [0, 1).
    """

    def __init__(self, strength: float = 0.0) -> None:
        self.strength = strength
        self._before: tuple[Pixels, Pixels] | None = None
        self._blend: tuple[Values, Values] | None = None
        self._sums = np.zeros(
            5
        )  # unchanged pixels, all pixels, the cartoon's change there, the clip's, ghosts elsewhere

    def add(self, photo: Pixels, cartoon: Pixels) -> Pixels:
        """A frame of the clip and its cartoon, of one size; returns the cartoon to write."""
        shown = self._blended(photo, cartoon) if self.strength else cartoon
        if self._before is not None and self._before[0].shape == photo.shape:
            self._measure(photo, cartoon, shown)
        self._before = photo, shown
        return shown

    def _blended(self, photo: Pixels, cartoon: Pixels) -> Pixels:
        now = photo.astype(np.float32), cartoon.astype(np.float32)
        if self._blend is not None and self._blend[0].shape == photo.shape:
            weight = self.strength * np.clip(2 - _change(now[0], self._blend[0]) / STILL, 0, 1)[..., None]
            now = tuple(new + weight * (old - new) for new, old in zip(now, self._blend, strict=True))
        self._blend = now
        return np.rint(now[1]).astype(np.uint8)

    def _measure(self, photo: Pixels, cartoon: Pixels, shown: Pixels) -> None:
        assert self._before is not None
        still = _change(photo, self._before[0]) <= STILL
        pairs = (shown, self._before[1], still), (photo, self._before[0], still), (shown, cartoon, ~still)
        sums = [float(cv2.absdiff(one, other)[where].sum()) / 3 for one, other, where in pairs]
        self._sums += (still.sum(), still.size, *sums)

    def results(self) -> dict[str, float | None]:
        """`flicker`: the mean change of unchanged places from one frame to the next, in levels of 255, 0 at best.

        `flicker_of_clip` is the clip's own there, by its noise and its codec; `unchanged` the share of these places.
        With a strength, `ghosting` is the mean difference that the blend makes in all other places, in levels of 255.
        None where there are no such places.
        """
        still, pixels, own, clip, ghost = (float(value) for value in self._sums)
        found = {
            "flicker": own / still if still else None,
            "flicker_of_clip": clip / still if still else None,
            "unchanged": still / pixels if pixels else None,
        }
        if self.strength:
            found["ghosting"] = ghost / (pixels - still) if pixels > still else None
        return {name: None if value is None else round(value, 4) for name, value in found.items()}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that `restore` needs to go on from here, as arrays."""
        arrays: dict[str, NDArray[np.generic]] = {"sums": self._sums}
        for name, pair in (("before", self._before), ("blend", self._blend)):
            if pair is not None:
                arrays |= {f"{name}_photo": pair[0], f"{name}_cartoon": pair[1]}
        return arrays

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        self._sums = state["sums"].astype(np.float64)
        for name in ("before", "blend"):
            if f"{name}_photo" in state:
                setattr(self, f"_{name}", (state[f"{name}_photo"], state[f"{name}_cartoon"]))


def _change(one: Pixels | Values, other: Pixels | Values) -> Values:
    """The largest change of the three colours, averaged over the places around, `(H, W)`."""
    red, green, blue = cv2.split(cv2.absdiff(one, other))
    change = cv2.max(cv2.max(red, green), blue).astype(np.float32)
    return np.asarray(cv2.blur(change, _AROUND), np.float32)
