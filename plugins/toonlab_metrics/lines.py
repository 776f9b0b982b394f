"""Lines: the agreement of a fake's dark lines with the true ones, matched one to one and corrected for chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated

import numpy as np
from pydantic import Field
from torch import Tensor

from toonlab import Sample

from .bases import PictureScores
from .outline import Mask, dark_lines

_DIAGONAL = 0.0075  # of a picture: the distance of matching lines in the Berkeley benchmark
_LEAST = 1.5  # pixels: a pixel and its eight neighbours
_VISIBLE = 0.5  # the least F1 of a true cartoon's own dark lines, for a scene to count
_ROOM = 0.1  # the least distance of that from a fake's chance level; noise is not divided by less


@dataclass(frozen=True)
class _Picture:
    """The lines of a fake, of the scene's true cartoon as detected in it, and the true ones, one pixel wide."""

    found: Mask
    attainable: Mask
    true: Mask


class Lines(PictureScores):
    """The agreement of a fake's dark lines with the true ones: 1 for the true cartoon, 0 for chance; per picture.

    Dark lines are found as in `outline_f1`, and thinned to a width of one pixel, as the true ones are. Pixels of both
    are matched one to one, as many as possible, at distances of at most 0.0075 of the diagonal, or 1.5 pixels if that
    is more. F1 is twice the number of matches over the number of pixels of both.

    Chance is the mean F1 of the same fake against the true lines of `others` other scenes. The score is
    (F1 - chance) / (attainable - chance), where `attainable` is the F1 of the true cartoon's own dark lines. So the
    expected score of a picture that is drawn for another scene is 0, dots and hatching that are the same everywhere
    score 0, and a line that is drawn twice or too thick counts once. A scene without true lines, or whose true cartoon
    does not show them as dark lines (F1 below 0.5), is left out.

    Martin, Fowlkes and Malik, "Learning to detect natural image boundaries", PAMI 2004, match in this way; the
    correction is that of Cohen's kappa.

    Args:
        others: the number of other scenes, the next ones in the order of the samples, of the same size. A scene that
            has none is compared with its own lines, mirrored.
        width: the widest line that counts, relative to the shorter side.
        contrast: the least contrast of a line, relative to its surroundings.
    """

    name = "lines"
    needs = frozenset({"outline", "cartoon"})
    sees = frozenset({"blend", "outline_removal", "outline_shift"})
    withstands = 0.1
    ignores = frozenset({"color"})

    def __init__(
        self,
        others: Annotated[int, Field(gt=0)] = 8,
        width: Annotated[float, Field(gt=0, le=0.5)] = 0.04,
        contrast: Annotated[float, Field(gt=0, lt=1)] = 0.25,
    ) -> None:
        super().__init__()
        self.others, self.width, self.contrast = others, width, contrast
        self._drawn: list[_Picture] = []

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Add one fake, `(3, H, W)` in [-1, 1], of the sample's photo; it is measured with the others.

        Raises:
            PartError: if the sample lacks the truth that this metric needs, or the fake has another size.
        """
        truth = self.targets(sample)
        fake = self.checked(fake, sample, tuple(truth["outline"].shape))
        found, attainable = (thinned(dark_lines(i, self.width, self.contrast)) for i in (fake, truth["cartoon"]))
        self._drawn.append(_Picture(found, attainable, thinned(truth["outline"].cpu().numpy())))

    def compute(self) -> dict[str, float]:
        self._pictures = [{} if score is None else {self.name: score} for score in self._drawn_scores()]
        return super().compute()

    def _drawn_scores(self) -> Iterator[float | None]:
        for place, picture in enumerate(self._drawn):
            reach = matching_distance(picture.true.shape)
            attainable = f1(picture.attainable, picture.true, reach) if picture.true.any() else 0.0
            if attainable < _VISIBLE:
                yield None
                continue
            chance = fmean(f1(picture.found, other, reach) for other in self._others(place))
            yield (f1(picture.found, picture.true, reach) - chance) / max(attainable - chance, _ROOM)

    def _others(self, place: int) -> list[Mask]:
        """The true lines of the next scenes of the same size, or the own ones, mirrored."""
        own, following = self._drawn[place].true, [*self._drawn[place + 1 :], *self._drawn[:place]]
        alike = [other.true for other in following if other.true.shape == own.shape]
        return alike[: self.others] or [own[:, ::-1], own[::-1], own[::-1, ::-1]]


def thinned(mask: Mask) -> Mask:
    """A mask, `(H, W)`, with its structures reduced to a width of one pixel."""
    from skimage.morphology import skeletonize

    return np.asarray(skeletonize(mask), bool)


def matching_distance(shape: tuple[int, ...]) -> float:
    """The largest distance of matching pixels in a picture `(H, W)`, in pixels."""
    return max(_LEAST, _DIAGONAL * float(np.linalg.norm(shape)))


def f1(found: Mask, true: Mask, reach: float) -> float:
    """F1 of two masks of the same shape, `(H, W)`, whose pixels match one to one at distances up to `reach` pixels.

    1 if both are empty.
    """
    count = int(found.sum()) + int(true.sum())
    return 2 * matches(found, true, reach) / count if count else 1.0


def matches(found: Mask, true: Mask, reach: float) -> int:
    """The largest number of pairs of a pixel of each mask, no pixel in two pairs, at distances up to `reach`."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    edge = int(reach)
    numbers = np.pad(np.full(true.shape, -1), edge, constant_values=-1)
    rows, columns = np.nonzero(true)
    numbers[rows + edge, columns + edge] = np.arange(len(rows))
    rows, columns = np.nonzero(found)
    shifts = np.mgrid[-edge : edge + 1, -edge : edge + 1].reshape(2, -1)
    down, right = shifts[:, np.hypot(*shifts) <= reach]
    near = numbers[rows[:, None] + edge + down, columns[:, None] + edge + right]  # (pixels, shifts)
    source, _ = pairs = np.nonzero(near >= 0)
    graph = csr_array((np.ones(len(source), bool), (source, near[pairs])), (len(rows), max(int(true.sum()), 1)))
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum()) if len(rows) else 0
