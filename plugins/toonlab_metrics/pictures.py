"""What the metrics share: one measurement a picture, averaged over pictures."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from torch import Tensor

from toonlab import PartError, Sample, ToonlabError


class PictureMean:
    """The mean over pictures of `measure(fake, truth)`; `needs` names the one field of `Truth` it takes."""

    name: str
    needs: frozenset[str]
    higher_is_better: bool = True

    def __init__(self) -> None:
        self._pictures: list[Mapping[str, float]] = []

    def measure(self, fake: Tensor, truth: Tensor) -> Mapping[str, float]:
        """The results of one picture: fake, `(3, H, W)` float32 in [-1, 1], against its truth."""
        raise NotImplementedError

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Take in one fake, `(3, H, W)` in [-1, 1], of the sample's photo; what exceeds the range is clipped.

        Raises:
            PartError: if the sample lacks the truth that this metric needs, or has it in another size.
        """
        truth = self._truth(sample)
        if fake.ndim != 3 or fake.shape[0] != 3 or fake.shape[1:] != truth.shape[-2:]:
            expected = (3, *truth.shape[-2:])
            raise PartError(f"{self.name}: sample {sample.name!r} needs a fake of {expected}, got {tuple(fake.shape)}")
        self._pictures.append(self.measure(fake.detach().float().clamp(-1, 1), truth.to(fake.device)))

    def compute(self) -> dict[str, float]:
        """The means by name; the leading one first.

        Raises:
            ToonlabError: if there were no pictures.
        """
        if not self._pictures:
            raise ToonlabError(f"{self.name}: no samples to evaluate; give the data set some, or drop the metric")
        return {key: fmean(picture[key] for picture in self._pictures) for key in self._pictures[0]}

    def _truth(self, sample: Sample) -> Tensor:
        (field,) = self.needs
        truth: Tensor | None = getattr(sample.truth, field, None)
        if truth is None:
            raise PartError(
                f"{self.name}: sample {sample.name!r} has no truth.{field}; "
                "evaluate on a data set that knows it, such as toonworld, or drop the metric"
            )
        return truth
