"""What metrics share that compare all fakes with a set of real cartoons, not picture by picture."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from toonlab import Images, PartError, Sample
from toonlab.ops.levels import to_float

from .pictures import Measurement


class SetMetric(Measurement):
    """Base: `reference` takes the cartoons in, `update` a fake, `between` compares what `gather` kept of each.

    The lower the better; 0 for two sets that are alike. The truth is only known as a set, so no claims about a single
    picture are made.
    """

    higher_is_better = False
    fewest = 2  # pictures on each side

    def __init__(self) -> None:
        super().__init__()
        self._cartoons: list[Any] = []
        self._fakes: list[Any] = []

    def reference(self, cartoons: Images) -> None:
        """Take in the cartoons to compare with; items are `(3, H, W)`, uint8 or float in [-1, 1].

        Raises:
            PartError: if there are fewer than this metric needs.
        """
        self._need(len(cartoons), "cartoons")
        self._cartoons = [self.gather(to_float(cartoons[index]), index) for index in range(len(cartoons))]

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Take in one fake, `(3, H, W)` in [-1, 1]."""
        fake = self.checked(fake, sample)
        self._fakes.append(self.gather(fake, len(self._fakes)))

    def compute(self) -> dict[str, float]:
        """The distance of the two sets.

        Raises:
            ToonlabError: if there were no pictures, too few of them, or no cartoons to compare with.
        """
        if not self._fakes:
            raise self.nothing()
        if not self._cartoons:
            raise PartError(f"{self.name}: has no cartoons to compare with; give a data set that has some")
        self._need(len(self._fakes), "pictures")
        return self.between(self._fakes, self._cartoons)

    @abstractmethod
    def gather(self, image: Tensor, index: int) -> Any:
        """What is kept of the `index`-th image of a set, `(3, H, W)` in [-1, 1]."""

    @abstractmethod
    def between(self, fakes: list[Any], cartoons: list[Any]) -> dict[str, float]:
        """The results for what was kept of both sets."""

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "cartoons": len(self._cartoons)}

    def _need(self, count: int, what: str) -> None:
        if count < self.fewest:
            raise PartError(f"{self.name}: needs at least {self.fewest} {what}, got {count}; give more, or drop it")
