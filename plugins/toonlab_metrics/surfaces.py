"""Surfaces and colours: what a fake does between the lines, on a scale from the photo, 0, to the true cartoon, 1."""

from abc import abstractmethod
from statistics import fmean
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from toonlab import Sample

from .bases import PictureScores
from .outline import grown
from .regions import FlatColorError, lab

_SIDE = 5  # pixels: of the square whose deviation is the detail of its middle
_AWAY = _SIDE // 2 + 1  # pixels from a line, which has a soft border


class PhotoScaled(PictureScores):
    """1 - e / p: with the error `e` of a fake, and the mean `p` of the photos' own errors; averaged per picture.

    So the mean is one minus the ratio of the mean errors. 0 is the unmodified photo, 1 the true cartoon; a fake that is
    farther from the truth than its photo is negative.
    """

    def __init__(self) -> None:
        super().__init__()
        self._errors: list[tuple[float, float] | None] = []  # of each fake, and of its photo

    @abstractmethod
    def error(self, image: Tensor, **truth: Tensor) -> float | None:
        """The error of an image, `(3, H, W)` in [-1, 1], against its truth; None if there is nothing to measure."""

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Add one fake, `(3, H, W)` in [-1, 1], of the sample's photo.

        Raises:
            PartError: if the sample lacks the truth that this metric needs, or the fake has another size.
        """
        truth = self.targets(sample)
        fake = self.checked(fake, sample, tuple(sample.photo.shape[1:]))
        own, photo = (self.error(image.cpu(), **truth) for image in (fake, sample.photo))
        self._errors.append(None if own is None or photo is None else (own, photo))

    def compute(self) -> dict[str, float]:
        photos = [errors[1] for errors in self._errors if errors]
        scale = fmean(photos) if photos else 0.0
        self._pictures = [{self.name: 1 - e[0] / scale} if e and scale else {} for e in self._errors]
        return super().compute()


class Surfaces(PhotoScaled):
    """How flat a fake's surfaces are where the truth's are, and how detailed where the truth's are: photo 0, truth 1.

    The detail of a pixel is log(1 + s), with s the standard deviation of lightness L* (0 to 100) in the square of 5x5
    pixels around it. The error is the mean absolute difference between the fake's and the true cartoon's detail, over
    all pixels at least 3 from a true line. A blank picture loses the edges between regions, and noise or texture add
    detail; a shift of colours changes nothing.
    """

    name = "surfaces"
    needs = frozenset({"cartoon", "outline"})
    sees = frozenset({"blend", "noise", "texture"})
    ignores = frozenset({"color", "outline_removal"})
    leads = False
    caveat = "a blank picture has a better score than the unmodified photo"

    def error(self, image: Tensor, **truth: Tensor) -> float | None:
        away = ~grown(truth["outline"].cpu().numpy(), _AWAY)
        difference = np.abs(detail(image) - detail(truth["cartoon"].cpu()))
        return float(difference[away].mean()) if away.any() else None


class Colours(PhotoScaled):
    """How close the regions' colours are to the true ones: photo 0, truth 1. The error is `flat_color_error`."""

    name = "colours"
    needs = FlatColorError.needs
    sees = frozenset({"blend", "color"})
    ignores = frozenset({"outline_removal"})
    leads = False
    caveat = "an effect that only guesses colours is no closer to the cartoon's than the unmodified photo is"

    def __init__(self) -> None:
        super().__init__()
        self._distance = FlatColorError()

    def error(self, image: Tensor, **truth: Any) -> float | None:
        return self._distance.measure(image, **truth).get(FlatColorError.name)


def detail(image: Tensor) -> NDArray[np.float64]:
    """The detail of each pixel, `(H, W)`, of an image, `(3, H, W)` in [-1, 1]; `Surfaces` defines it."""
    lightness = lab(image)[..., 0].astype(np.float64)
    mean, square = (cv2.blur(plane, (_SIDE, _SIDE)) for plane in (lightness, lightness**2))
    return np.asarray(np.log1p(np.sqrt(np.maximum(square - mean**2, 0))))
