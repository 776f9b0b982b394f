"""What the metrics share: the check of a fake, what a metric claims of itself, and means over pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from torch import Tensor

from toonlab import PartError, Sample, ToonlabError


class Measurement(ABC):
    """Base of all metrics here. What it claims is tested by `benchmarks/validity.py`.

    Attributes:
        sees: degradations of the truth under which the metric gets worse, step by step.
        ignores: those under which it stays put.
        best: which it ranks above the other two of `identity` (the untouched photo), `classic` and `truth`.
        leads: whether it ranks `identity` below `classic`, too. Else it may stand in a table, but never lead it.
        caveat: why every table marks it; empty if nothing speaks against it.
        resizer: how pictures are brought to one size before they are measured.
    """

    name: str
    needs: frozenset[str] = frozenset()
    higher_is_better: bool = True
    sees: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    best: str = "truth"
    leads: bool = True
    caveat: str = ""
    resizer: str = "none"

    def __init__(self) -> None:
        self._count = 0
        self._sides: set[tuple[int, int]] = set()

    @abstractmethod
    def update(self, fake: Tensor, sample: Sample) -> None:
        """Take in one fake, `(3, H, W)` in [-1, 1], of the sample's photo.

        Raises:
            PartError: if the sample lacks the truth that this metric needs, or has it in another size.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The results by name; the leading one first.

        Raises:
            ToonlabError: if there were no pictures, or too few.
        """

    def checked(self, fake: Tensor, sample: Sample, size: tuple[int, ...] | None = None) -> Tensor:
        """The fake as float32 in [-1, 1]; what exceeds the range is clipped.

        Args:
            size: height and width that it must have; None: any.

        Raises:
            PartError: if it is no `(3, H, W)` of that size, or has pixels that are no numbers.
        """
        right = fake.ndim == 3 and fake.shape[0] == 3 and size in (None, tuple(fake.shape[1:]))
        if not right:
            expected = f"({', '.join(map(str, (3, *(size or ('H', 'W')))))})"
            raise PartError(f"{self.name}: sample {sample.name!r} needs a fake of {expected}, got {tuple(fake.shape)}")
        fake = fake.detach().float()
        if not (finite := fake.isfinite()).all():
            bad = int((~finite).sum())
            raise PartError(f"{self.name}: the fake of {sample.name!r} has {bad} values that are no numbers (NaN, inf)")
        self._count += 1
        self._sides.add((int(fake.shape[1]), int(fake.shape[2])))
        return fake.clamp(-1, 1)

    def describe(self) -> dict[str, Any]:
        """What a report names beside the number, as JSON values."""
        sizes = " to ".join(f"{height}x{width}" for height, width in sorted({min(self._sides), max(self._sides)}))
        return {"n": self._count, "size": sizes, "resizer": self.resizer} if self._sides else {"n": 0}

    def nothing(self) -> ToonlabError:
        """The error of a metric that is asked for a result too early."""
        return ToonlabError(f"{self.name}: no samples to evaluate; give the data set some, or drop the metric")


class Averaged(Measurement):
    """The mean over pictures of whatever `update` keeps of each."""

    def __init__(self) -> None:
        super().__init__()
        self._pictures: list[Mapping[str, float]] = []

    def compute(self) -> dict[str, float]:
        if not self._pictures:
            raise self.nothing()
        return {key: fmean(picture[key] for picture in self._pictures) for key in self._pictures[0]}

    def known(self, sample: Sample, field: str) -> Tensor:
        """A field of the sample's truth."""
        truth: Tensor | None = getattr(sample.truth, field, None)
        if truth is None:
            raise PartError(
                f"{self.name}: sample {sample.name!r} has no truth.{field}; "
                "evaluate on a data set that knows it, such as toonworld, or drop the metric"
            )
        return truth


class PictureMean(Averaged):
    """The mean over pictures of `measure(fake, target)`.

    The target is the one field of `Truth` that `needs` names, or the photo where `needs` is empty.
    """

    @abstractmethod
    def measure(self, fake: Tensor, target: Tensor) -> Mapping[str, float]:
        """The results of one picture: fake, `(3, H, W)` float32 in [-1, 1], against its target."""

    def update(self, fake: Tensor, sample: Sample) -> None:
        target = self.target(sample)
        fake = self.checked(fake, sample, tuple(target.shape[-2:]))
        self._pictures.append(self.measure(fake, target.to(fake.device)))

    def target(self, sample: Sample) -> Tensor:
        """What the fake is measured against."""
        if not self.needs:
            return sample.photo
        (field,) = self.needs
        return self.known(sample, field)
