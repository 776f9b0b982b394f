"""Losses of style: each compares the features of a fake with those of the cartoon at its place in the batch.

All take the mean over images and over the layers of the recipe's features, and ignore where in the picture a feature
is. They are computed in float32 at least, outside autocast. `distances` bounds the memory of those that compare every
position of the fake with every position of the cartoon.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat
from torch import Tensor

from toonlab import Step
from toonlab.ops.gram import gram_matrix

from .distances import best_matches, cosine_distances, each_row_block, gaussian_mean, nearest, rows

OfLayer = Callable[[Tensor, Tensor], Tensor]  # features of fakes and of cartoons, `(B, C, h, w)` -> scalar


@dataclass(frozen=True)
class Gatys:
    """Squared distance between the Gram matrices of fake and cartoon.

    Of each layer with C channels and N positions the sum of squared differences over 4 C² N². Gatys, Ecker and Bethge,
    "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, eq. 3 and 4.
    """

    def __call__(self, step: Step) -> Tensor:
        return _over_layers(_gatys, step)


@dataclass(frozen=True)
class MMD:
    """Squared maximum mean discrepancy between the features at all positions of fake and cartoon.

    With C channels and positions x and y, `k(x, y)` of the kernels is

    - `linear`: x·y / C, so that the loss is the squared distance of the mean features;
    - `polynomial`: (x·y)² / C², so that it is four times that of `gatys`;
    - `gaussian`: exp(-|x - y|² / (2 bandwidth s)), with s the mean squared distance of two of the cartoon's features.

    All pairs count, also a position with itself, so the loss is never negative. Li, Wang, Liu and Hou, "Demystifying
    Neural Style Transfer", IJCAI 2017, eq. 5 to 10; they draw pairs for the Gaussian kernel, here all are used.

    Args:
        kernel: as above.
        bandwidth: of the Gaussian kernel.
    """

    kernel: Literal["linear", "polynomial", "gaussian"] = "polynomial"
    bandwidth: PositiveFloat = 1.0

    def __call__(self, step: Step) -> Tensor:
        return _over_layers(getattr(self, f"_{self.kernel}"), step)

    def _linear(self, fake: Tensor, cartoon: Tensor) -> Tensor:
        return F.mse_loss(fake.mean((2, 3)), cartoon.mean((2, 3)))

    def _polynomial(self, fake: Tensor, cartoon: Tensor) -> Tensor:
        return 4 * _gatys(fake, cartoon)

    def _gaussian(self, fake: Tensor, cartoon: Tensor) -> Tensor:
        x, y = rows(fake), rows(cartoon)
        spread = 2 * (y - y.mean(1, keepdim=True)).square().sum(2).mean(1)
        scale = (2 * self.bandwidth * spread).clamp_min(torch.finfo(spread.dtype).tiny).view(-1, 1, 1)
        found = gaussian_mean(x, x, scale) + gaussian_mean(y, y, scale) - 2 * gaussian_mean(x, y, scale)
        return found.mean()


@dataclass(frozen=True)
class MRF:
    """Squared distance of each patch of the fake's features to the most similar patch of the cartoon's, per element.

    The most similar is that of the greatest normalised cross-correlation. Li and Wand, "Combining Markov Random Fields
    and Convolutional Neural Networks for Image Synthesis", CVPR 2016, eq. 2 and 3, with a mean in place of the sum.

    Args:
        size: side of a patch, in positions of the features.
        stride: distance between patches.
    """

    size: Annotated[int, Field(ge=1, le=16)] = 3
    stride: Annotated[int, Field(ge=1, le=16)] = 1

    def __call__(self, step: Step) -> Tensor:
        return _over_layers(self._of_layer, step)

    def _of_layer(self, fake: Tensor, cartoon: Tensor) -> Tensor:
        x, y = (self._patches(features) for features in (fake, cartoon))
        with torch.no_grad():
            best = nearest(x, y)
        return F.mse_loss(x, y.gather(1, best[..., None].expand(-1, -1, y.shape[2])))

    def _patches(self, features: Tensor) -> Tensor:
        """`(B, C, h, w)` -> `(B, patches, C size²)`; a side shorter than a patch is extended by its last values."""
        missing = [max(self.size - side, 0) for side in features.shape[2:]]
        features = F.pad(features, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else features
        return F.unfold(features, self.size, stride=self.stride).mT


@dataclass(frozen=True)
class Contextual:
    """How little each of the cartoon's features is, among all, the most similar one to some feature of the fake.

    Cosine distances d from the cartoon's mean feature; relative to the least of each fake feature they are
    d̃ = d / (min d + 1e-5), and w = exp((1 - d̃) / bandwidth), divided by its sum over the cartoon's features, is the
    similarity. The loss is -log of the mean, over the cartoon's features, of the greatest similarity. Mechrez, Talmi
    and Zelnik-Manor, "The Contextual Loss for Image Transformation with Non-Aligned Data", ECCV 2018, eq. 2 to 5.

    Args:
        bandwidth: the paper's h; the smaller, the more only the most similar feature counts.
    """

    bandwidth: PositiveFloat = 0.5

    def __call__(self, step: Step) -> Tensor:
        return _over_layers(self._of_layer, step)

    def _of_layer(self, fake: Tensor, cartoon: Tensor) -> Tensor:
        x, y = rows(fake), rows(cartoon)
        middle = y.mean(1, keepdim=True)
        found = each_row_block(self._greatest, x - middle, y - middle)
        return -torch.stack(found).amax(0).mean(1).log().mean()

    def _greatest(self, x: Tensor, y: Tensor) -> Tensor:
        """The greatest similarity of each of the cartoon's features to a block of the fake's: `(B, M)`."""
        away = cosine_distances(x, y)
        relative = away / (away.amin(2, keepdim=True) + 1e-5)
        return ((1 - relative) / self.bandwidth).softmax(2).amax(1)


@dataclass(frozen=True)
class RelaxedEMD:
    """A lower bound of the earth mover's distance between the features of fake and cartoon, by cosine distances.

    The greater of two means: of the least distance of each of the fake's features, and of each of the cartoon's.
    Kolkin, Salavon and Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and Self-Similarity", CVPR 2019,
    eq. 5 to 7, without its loss of moments: cosines ignore the lengths of features.
    """

    def __call__(self, step: Step) -> Tensor:
        return _over_layers(_relaxed_emd, step)


def _over_layers(of_layer: OfLayer, step: Step) -> Tensor:
    return step.features.mean_over_layers(_exactly(of_layer), step.fake, step.batch.cartoon)


def _exactly(of_layer: OfLayer) -> OfLayer:
    """The loss of a layer in float32 at least, outside autocast."""

    def exact(fake: Tensor, cartoon: Tensor) -> Tensor:
        with torch.autocast(fake.device.type, enabled=False):
            dtype = torch.promote_types(fake.dtype, torch.float32)
            return of_layer(fake.to(dtype), cartoon.to(dtype))

    return exact


def _gatys(fake: Tensor, cartoon: Tensor) -> Tensor:
    channels = fake.shape[1]
    return (channels / 2) ** 2 * F.mse_loss(gram_matrix(fake), gram_matrix(cartoon))


def _relaxed_emd(fake: Tensor, cartoon: Tensor) -> Tensor:
    x, y = rows(fake), rows(cartoon)
    of_fake, of_cartoon = best_matches(x, y)
    return torch.maximum(of_fake.mean(1), of_cartoon.mean(1)).mean()
