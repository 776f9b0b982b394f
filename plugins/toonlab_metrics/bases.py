"""The bases of all metrics: checks of fakes, the claims of a metric, means over pictures, and distances of sets."""

from abc import abstractmethod
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from torch import Tensor

from toonlab import Images, Metric, PartError, Sample, ToonlabError
from toonlab.ops.levels import to_float


class Measurement(Metric):
    """Base of all metrics here, whose claims `benchmarks/validity.py` tests."""

    name: str
    needs: frozenset[str] = frozenset()
    higher_is_better: bool = True
    sees: frozenset[str] = frozenset()  # degradations of the truth that make the metric worse, step by step
    ignores: frozenset[str] = frozenset()  # degradations that hardly change it
    best: str = "truth"  # the highest ranked of `identity` (the unmodified photo), `classic` and `truth`
    withstands: float | None = (
        None  # the most that it gives any of `degenerate.PATTERNS`, or more than the photo below it
    )
    leads: bool = True  # whether it also ranks `identity` below `classic`; otherwise it never leads a table
    caveat: str = ""  # the reason why tables mark it; empty without one
    resizer: str = "none"  # the method that brings pictures to one size before they are measured

    def __init__(self) -> None:
        self._count = 0
        self._sides: set[tuple[int, int]] = set()

    def checked(self, fake: Tensor, sample: Sample, size: tuple[int, ...] | None = None) -> Tensor:
        """The fake as float32, clipped to [-1, 1].

        Args:
            size: the required height and width; None for any.

        Raises:
            PartError: if it is not `(3, H, W)` of that size, or has values that are not finite.
        """
        right = fake.ndim == 3 and fake.shape[0] == 3 and size in (None, tuple(fake.shape[1:]))
        if not right:
            expected = f"({', '.join(map(str, (3, *(size or ('H', 'W')))))})"
            raise PartError(f"{self.name}: sample {sample.name!r} needs a fake of {expected}, got {tuple(fake.shape)}")
        fake = fake.detach().float()
        if not (finite := fake.isfinite()).all():
            bad = int((~finite).sum())
            raise PartError(f"{self.name}: the fake of {sample.name!r} has values that are NaN or infinite: {bad}")
        self._count += 1
        self._sides.add((int(fake.shape[1]), int(fake.shape[2])))
        return fake.clamp(-1, 1)

    def describe(self) -> dict[str, Any]:
        """How the metric was measured, for reports, as JSON values."""
        sizes = " to ".join(f"{width}x{height}" for height, width in sorted({min(self._sides), max(self._sides)}))
        return {"n": self._count, "size": sizes, "resizer": self.resizer} if self._sides else {"n": 0}

    def nothing(self) -> ToonlabError:
        """The error for a result without any picture."""
        return ToonlabError(f"{self.name}: no samples to evaluate; give the data set some, or drop the metric")


class PictureScores(Measurement):
    """The mean over pictures of their results in `_pictures`, which `update` or `compute` fills.

    A picture in which there is nothing to measure has no results, and counts nowhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pictures: list[Mapping[str, float]] = []  # in the order of the samples

    def compute(self) -> dict[str, float]:
        """The means by name, the main result first.

        Raises:
            ToonlabError: if there were no pictures.
        """
        if not (measured := [picture for picture in self._pictures if picture]):
            raise self.nothing()
        return {key: fmean(picture[key] for picture in measured) for key in measured[0]}

    def scores(self) -> dict[str, list[float | None]]:
        """The main result of each picture, after `compute`; None where there was nothing to measure."""
        return {self.name: [picture.get(self.name) for picture in self._pictures]}

    def targets(self, sample: Sample) -> dict[str, Tensor]:
        """The fields of the sample's truth that `needs` names, or the photo; a `PartError` if one is missing."""
        if not self.needs:
            return {"photo": sample.photo}
        found: dict[str, Tensor] = {}
        for field in sorted(self.needs):
            if (target := getattr(sample.truth, field, None)) is None:
                raise PartError(
                    f"{self.name}: sample {sample.name!r} has no truth.{field}; "
                    "evaluate on a data set that knows it, such as toonworld, or drop the metric"
                )
            found[field] = target
        return found


class PictureMean(PictureScores):
    """The mean over pictures of `measure`, which gets a fake and its targets: the photo, or what `needs` names."""

    @abstractmethod
    def measure(self, fake: Tensor, *args: Any, **kwargs: Any) -> Mapping[str, float]:
        """The results of one picture: fake, `(3, H, W)` float32 in [-1, 1], against its targets, given by name.

        Empty, if there is nothing to measure.
        """

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Add one fake, `(3, H, W)` in [-1, 1], of the sample's photo.

        Raises:
            PartError: if the sample lacks the truth that this metric needs, or the fake has another size.
        """
        targets = self.targets(sample)
        size = next(iter(targets.values())).shape[-2:]
        fake = self.checked(fake, sample, tuple(size))
        self._pictures.append(self.measure(fake, **{name: target.to(fake.device) for name, target in targets.items()}))


class SetMetric(Measurement):
    """The distance of all fakes from real cartoons: `gather` extracts data from each picture, `between` compares both.

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
