"""KID on the features of EfficientNet-Lite0, whose weights come with pip."""

import warnings
from functools import cache
from statistics import fmean, median, stdev
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from toonlab import Images, PartError, Sample, ToonlabError, check_images, rng
from toonlab.ops.filters import luminance
from toonlab.ops.kernel import kernel_distance
from toonlab.ops.levels import to_float

from .network import SHA256, Lite0

_SIDE = 224  # pixels that the network was trained on
_SCALE = 12.0  # of block 10, whose raw values are of the order of 7
_SPLITS = 10
_SIZES = 0.1  # the largest difference of sizes without a warning, relative
_BLOCKS = 0.25  # the same of JPEG's blocks, in levels of 0..255; a quality of 85 has 0.4, one of 60 has 1.1


class KIDLite0:
    """Kernel distance to the real cartoons on EfficientNet-Lite0's features, whose weights come with pip.

    `kid_lite0` is KID (Binkowski, Sutherland, Arbel and Gretton, ICLR 2018: cubic kernel, unbiased, so at times below
    0) on the pooled features; `kid_lite0_low` and `kid_lite0_high` are a 95 % interval. `kid_lite0_block10` is the
    same on block 10, averaged over positions: texture more than objects. `kid_lite0_split` is the largest distance of
    ten random halves of the real cartoons from each other: what is not above it is no difference.

    The interval is two standard deviations of the estimates on random halves of both sets to either side (the delete-d
    jackknife, Shao and Wu 1989: with halves no factor is needed); for sets that are alike it is up to twice too wide.
    It covers the choice of pictures, not the seed.

    Pictures are resized to 224x224, bicubic and antialiased. Noise, blur and JPEG count as much as drawing, so both
    sets have to be resized and compressed alike: it warns where sizes differ, or where one set has more of JPEG's
    blocks than the other.

    Args:
        subsets: number of random halves for the interval.

    Raises:
        ToonlabError: if the weights are not installed, or damaged.
    """

    name = "kid_lite0"
    needs: frozenset[str] = frozenset()
    higher_is_better = False
    leads = False
    least = 4  # pictures of either set
    best = "truth"
    withstands: float | None = None
    sees = frozenset({"blur", "noise", "color", "outline_removal", "texture"})
    ignores: frozenset[str] = frozenset()
    caveat = "noise, JPEG and resizing count as much as drawing: both sets must have been treated alike"
    resizer = f"bicubic, antialiased, to {_SIDE}x{_SIDE}"

    def __init__(self, subsets: Annotated[int, Field(ge=2)] = 20) -> None:
        self.subsets = subsets
        self._cartoons: list[_Picture] = []
        self._fakes: list[_Picture] = []
        network()  # so that missing weights are told before a training

    def reference(self, cartoons: Images) -> None:
        """Set the cartoons to compare with; items are `(3, H, W)`, uint8 or float in [-1, 1].

        Raises:
            PartError: if there are fewer than 4.
        """
        self._cartoons = [_Picture(to_float(cartoons[index])) for index in range(len(cartoons))]
        self._need(self._cartoons, "cartoons")
        pooled = _stacked(self._cartoons)[0]
        halves = [_halves(pooled, rng(0, self.name, "split", index)) for index in range(_SPLITS)]
        self._split = max(kernel_distance(*pair) for pair in halves)

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Add one fake, `(3, H, W)` in [-1, 1].

        Raises:
            PartError: if it has another shape, or values that are not finite.
        """
        check_images(fake[None], f"{self.name}: sample {sample.name!r}", channels=3)
        if not fake.isfinite().all():
            raise PartError(f"{self.name}: the fake of {sample.name!r} has values that are NaN or infinite")
        self._fakes.append(_Picture(fake.detach().float().clamp(-1, 1)))

    def compute(self) -> dict[str, float]:
        """The distance of the two sets.

        Raises:
            ToonlabError: if there were no pictures or fewer than 4, or no cartoons to compare with.
        """
        if not self._fakes:
            raise ToonlabError(f"{self.name}: no samples to evaluate; give the data set some, or drop the metric")
        if not self._cartoons:
            raise PartError(f"{self.name}: has no cartoons to compare with; give a data set that has some")
        self._need(self._fakes, "pictures")
        self._check_alike()
        (fakes, fakes10), (cartoons, cartoons10) = _stacked(self._fakes), _stacked(self._cartoons)
        value, draws = kernel_distance(fakes, cartoons), rng(0, self.name, "subsets")
        halved = [
            kernel_distance(*(_halves(side, draws)[0] for side in (fakes, cartoons))) for _ in range(self.subsets)
        ]
        reach = 2 * float(torch.tensor(halved).std())
        return {
            self.name: value,
            f"{self.name}_low": value - reach,
            f"{self.name}_high": value + reach,
            f"{self.name}_block10": kernel_distance(fakes10, cartoons10),
            f"{self.name}_split": self._split,
        }

    def describe(self) -> dict[str, Any]:
        """How it was measured, as JSON values; JPEG's blocks in levels of 0..255."""
        sizes = sorted({fake.size for fake in self._fakes})
        return {
            "n": len(self._fakes),
            "size": " to ".join(f"{width}x{height}" for height, width in dict.fromkeys([sizes[0], sizes[-1]])),
            "resizer": self.resizer,
            "cartoons": len(self._cartoons),
            "weights": f"sha256:{SHA256[:16]}",
            "jpeg_blocks": [round(fmean(one.blocks for one in side), 2) for side in (self._fakes, self._cartoons)],
        }

    def _need(self, pictures: list["_Picture"], what: str) -> None:
        if len(pictures) < self.least:
            raise PartError(
                f"{self.name}: needs at least {self.least} {what}, got {len(pictures)}; give more, or drop it"
            )

    def _check_alike(self) -> None:
        sides = (self._fakes, self._cartoons)
        short, blocks = (
            [median(one.short for one in side) for side in sides],
            [[p.blocks for p in side] for side in sides],
        )
        if max(short) > (1 + _SIZES) * min(short):
            text = f"the pictures' shorter side has {short[0]:g} px and the cartoons' {short[1]:g} (medians)"
            self._warn(f"{text}; resize both alike, or the resizing is measured, too")
        fake, real = map(fmean, blocks)
        error = sum(stdev(side) ** 2 / len(side) for side in blocks) ** 0.5
        if abs(fake - real) > max(_BLOCKS, 3 * error):
            text = f"the blocks of JPEG have {fake:.1f} levels in the pictures and {real:.1f} in the cartoons"
            self._warn(f"{text}; compress both alike, or the compression is measured, too")

    def _warn(self, text: str) -> None:
        warnings.warn(f"{self.name}: {text}", RuntimeWarning, stacklevel=3)


class _Picture:
    """What is kept of a picture, `(3, H, W)` in [-1, 1]: its features, its size, and how much of JPEG it shows."""

    @torch.no_grad()
    def __init__(self, image: Tensor) -> None:
        self.size = (int(image.shape[1]), int(image.shape[2]))
        self.short = min(self.size)
        self.blocks = jpeg_blocks(image)
        resized = F.interpolate(image[None], (_SIDE, _SIDE), mode="bicubic", antialias=True).clamp(-1, 1)
        block10, pooled = network().to(image.device)(resized)
        self.pooled, self.block10 = pooled[0].cpu().double(), block10[0].mean((1, 2)).cpu().double() / _SCALE


@cache
def network() -> Lite0:
    """Block 10 and the pooled features, of one network for all metrics of a process."""
    return Lite0((10,), pooled=True)


def jpeg_blocks(image: Tensor) -> float:
    """By how many levels of 0..255 neighbours differ more at the borders of JPEG's blocks than halfway between.

    About 0 for a picture that was not compressed, or was scaled since. Each difference counts by how much it exceeds
    those next to it, by 8 levels at most, so that contours hardly matter; a network's checkerboard of 2 or 4 pixels
    cancels out.

    Args:
        image: `(3, H, W)` in [-1, 1]; of sides below 17 nothing can be told, which gives 0.
    """
    gray = 127.5 * luminance(image[None])[0, 0]
    found = []
    for lines in (gray, gray.T):
        steps = lines.diff(dim=1).abs()  # (H, W-1); index i is between pixels i and i+1
        excess = (steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2).clamp(-8, 8)  # index i is step i+1
        if excess.shape[1] > 14:
            found.append(float(excess[:, 6::8].mean() - excess[:, 2::8].mean()))
    return sum(found) / max(len(found), 1)


def _stacked(pictures: list[_Picture]) -> tuple[Tensor, Tensor]:
    """Pooled features and those of block 10, `(N, 1280)` and `(N, 112)`."""
    return torch.stack([one.pooled for one in pictures]), torch.stack([one.block10 for one in pictures])


def _halves(features: Tensor, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(features), generator=draws)
    return features[order[: len(order) // 2]], features[order[len(order) // 2 :]]
