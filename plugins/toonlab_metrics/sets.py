"""The base of metrics that compare the set of all fakes with a set of real cartoons."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from toonlab import Images, PartError, Sample
from toonlab.ops.levels import to_float

from .pictures import Measurement


class SetMetric(Measurement):
    """Base: `gather` extracts data from each cartoon and each fake, `between` compares the two sets.

    Lower is better; 0 for equal distributions. The metric makes no statement about a single picture.
    """

    higher_is_better = False
    fewest = 2  # pictures on each side

    def __init__(self) -> None:
        super().__init__()
        self._cartoons: list[Any] = []
        self._fakes: list[Any] = []

    def reference(self, cartoons: Images) -> None:
        """Set the cartoons to compare with; items are `(3, H, W)`, uint8 or float in [-1, 1].

        Raises:
            PartError: if there are fewer than this metric needs.
        """
        self._need(len(cartoons), "cartoons")
        self._cartoons = [self.gather(to_float(cartoons[index]), index) for index in range(len(cartoons))]

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Add one fake, `(3, H, W)` in [-1, 1]."""
        fake = self.checked(fake, sample)
        self._fakes.append(self.gather(fake, len(self._fakes)))

    def compute(self) -> dict[str, float]:
        """The distance of the two sets.

        Raises:
            ToonlabError: if there were no pictures or too few, or no cartoons to compare with.
        """
        if not self._fakes:
            raise self.nothing()
        if not self._cartoons:
            raise PartError(f"{self.name}: has no cartoons to compare with; give a data set that has some")
        self._need(len(self._fakes), "pictures")
        return self.between(self._fakes, self._cartoons)

    @abstractmethod
    def gather(self, image: Tensor, index: int) -> Any:
        """The data of the `index`-th image of a set, `(3, H, W)` in [-1, 1]."""

    @abstractmethod
    def between(self, fakes: list[Any], cartoons: list[Any]) -> dict[str, float]:
        """The results for the gathered data of both sets."""

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "cartoons": len(self._cartoons)}

    def _need(self, count: int, what: str) -> None:
        if count < self.fewest:
            raise PartError(f"{self.name}: needs at least {self.fewest} {what}, got {count}; give more, or drop it")
