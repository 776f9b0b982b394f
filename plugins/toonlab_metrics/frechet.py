"""KID and FID: distances between the features of fakes and of real cartoons."""

import math
import warnings
from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Images, rng
from toonlab.ops.kernel import kernel_distance
from toonlab.ops.levels import to_levels

from .bases import SetMetric
from .networks import RANDOM, RESIZER, digest, find_weights, missing_weights, network, random_features

SMALL = 2000  # pictures: below, FID depends more on their number than on their content
_BATCH = 16


class FeatureDistance(SetMetric):
    """Base: extracts the features of pictures in batches of one size, and compares them by KID's kernel.

    Attributes:
        source: names the network in reports.
        device: where the network runs; the engine sets that of the run.
    """

    device = torch.device("cpu")
    sees = frozenset({"blur", "noise", "color", "outline_removal", "texture"})
    source: str

    @abstractmethod
    def extract(self, images: Tensor) -> Tensor:
        """Features of uint8 images on the metric's device, `(B, 3, H, W)` -> `(B, D)`."""

    def reference(self, cartoons: Images) -> None:
        super().reference(cartoons)
        self._cartoons = list(self.features(self._cartoons))  # once for all comparisons

    def gather(self, image: Tensor, index: int) -> Tensor:
        return to_levels(image)

    @torch.no_grad()
    def features(self, images: list[Tensor]) -> Tensor:
        """Features of uint8 images, `(3, H, W)` of any sizes -> `(N, D)` float64 on the CPU."""
        found, start = [], 0
        for end in range(1, len(images) + 1):
            if end == len(images) or end - start == _BATCH or images[end].shape != images[start].shape:
                batch = torch.stack(images[start:end]).to(self.device)
                found.append(self.extract(batch).double().cpu())
                start = end
        return torch.cat(found)

    def between(self, fakes: list[Tensor], cartoons: list[Tensor]) -> dict[str, float]:
        return self.distance(self.features(fakes), torch.stack(cartoons))

    def distance(self, fakes: Tensor, cartoons: Tensor) -> dict[str, float]:
        """The results for two sets of features, `(N, D)` and `(M, D)`."""
        return {self.name: kernel_distance(fakes, cartoons)}

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "weights": self.source}


class RandomKID(FeatureDistance):
    """KID's kernel distance on the features of a small random network, which needs no weights.

    Its values compare only with each other. For small sets, where Inception's weights are not available.
    """

    name = "kid_random"
    leads = False
    caveat = "random features: where cartoons are pale, the unmodified photo has a better score than imitations"
    source = RANDOM
    extract = staticmethod(random_features)


class KID(FeatureDistance):
    """Kernel Inception Distance to the real cartoons: unbiased, so suited to small sets; it may be slightly below 0.

    Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018: the squared maximum mean discrepancy
    with the kernel (x·y/2048 + 1)^3. Sets of more than 1,000 pictures are split into blocks, and results averaged.

    Args:
        weights: file of the Inception of FID; by default the one in torch's cache.
    """

    name = "kid"
    caveat = "its claims are not tested yet, for lack of Inception's weights"
    resizer = RESIZER

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__()
        self.path = find_weights(weights, self.name)
        self.source = digest(self.path)

    @staticmethod
    def missing(weights: Path | None, **_: object) -> dict[str, str]:
        """The file of the weights, if it is not on this machine."""
        return missing_weights(weights)

    def extract(self, images: Tensor) -> Tensor:
        features: Tensor = network(self.path).to(images.device)(images)
        return features


class FID(KID):
    """Fréchet Inception Distance to the real cartoons, with a 95 % interval, `fid_low` to `fid_high`.

    Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", NeurIPS 2017. It
    is biased upwards for few pictures, so only values of equal n compare. Below 2,000 pictures it warns, and `kid` is
    the better choice. The interval is two standard deviations of bootstrap resamples to either side; it covers the
    random error, not the bias.

    Args:
        weights: file of the Inception of FID; by default the one in torch's cache.
        resamples: number of bootstrap resamples.
    """

    name = "fid"
    caveat = "biased by the number of pictures, so compare equal n only; its claims are not tested yet"

    def __init__(self, weights: Path | None = None, resamples: Annotated[int, Field(ge=2)] = 30) -> None:
        super().__init__(weights)
        self.resamples = resamples

    def distance(self, fakes: Tensor, cartoons: Tensor) -> dict[str, float]:
        if (fewest := min(len(fakes), len(cartoons))) < SMALL:
            depends = "FID depends more on their number than on their content"
            text = f"fid: {fewest} pictures are fewer than {SMALL}: {depends}; prefer kid"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        value, draws = frechet_distance(fakes, cartoons), rng(0, "fid", "bootstrap")
        resampled = [
            frechet_distance(*(side[torch.randint(len(side), (len(side),), generator=draws)] for side in both))
            for both in [(fakes, cartoons)] * self.resamples
        ]
        reach = 2 * float(torch.tensor(resampled).std())
        return {"fid": value, "fid_low": max(0.0, value - reach), "fid_high": value + reach}


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """|μx - μy|² + tr(Σx + Σy - 2 (Σx Σy)^½) of `(N, D)` and `(M, D)`, float64.

    With centred features Σ = CᵀC / (N - 1), so the trace of the root is the sum of the singular values of Cx Cyᵀ,
    `(N, M)`, or of as many rows as there are features, after a QR decomposition: exact, and fast for small sets.
    """
    difference = x.mean(0) - y.mean(0)
    x, y = ((side - side.mean(0)) / math.sqrt(len(side) - 1) for side in (x, y))
    thin = [torch.linalg.qr(side, mode="r").R if len(side) > side.shape[1] else side for side in (x, y)]
    root = torch.linalg.svdvals(thin[0] @ thin[1].mT).sum()
    return float(difference.square().sum() + x.square().sum() + y.square().sum() - 2 * root)
