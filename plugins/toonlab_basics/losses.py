"""Generator losses that several methods share, unweighted."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from toonlab import Step
from toonlab.ops.filters import rgb_to_yuv


@dataclass(frozen=True)
class Content:
    """L1 distance between the features of the fake and of its photo, which keeps the scene recognisable.

    Mean over all elements. The content loss of Chen, Lai and Liu, "CartoonGAN", CVPR 2018; `con_loss` in the code of
    AnimeGAN and CTSS.
    """

    def __call__(self, step: Step) -> Tensor:
        return F.l1_loss(step.features(step.fake), step.features(step.batch.photo))


@dataclass(frozen=True)
class Color:
    """Distance between the colours of the fake and of its photo in YUV: L1 of Y, Huber of U and V.

    Huber with delta 1; means over all pixels. Chen, Liu and Chen, "AnimeGAN", ISICA 2019; `color_loss` in the code of
    AnimeGAN and CTSS.
    """

    def __call__(self, step: Step) -> Tensor:
        y, u, v = rgb_to_yuv(step.fake).unbind(dim=1)
        photo_y, photo_u, photo_v = rgb_to_yuv(step.batch.photo).unbind(dim=1)
        return F.l1_loss(y, photo_y) + F.huber_loss(u, photo_u) + F.huber_loss(v, photo_v)


@dataclass(frozen=True)
class TotalVariation:
    """Half the mean squared difference of vertical plus of horizontal neighbours in the fake, for flat areas.

    As in CTSS's code. Each mean is over all existing differences, so that it does not depend on the picture's size.
    """

    def __call__(self, step: Step) -> Tensor:
        fake = step.fake
        vertical = F.mse_loss(fake[:, :, 1:], fake[:, :, :-1])
        horizontal = F.mse_loss(fake[:, :, :, 1:], fake[:, :, :, :-1])
        return 0.5 * (vertical + horizontal)


@dataclass(frozen=True)
class Reconstruction:
    """L1 distance between the pixels of the fake and of its photo, by which the generator learns the identity.

    Mean over all values. White-box's pretraining uses it as the only loss (`train_code/pretrain.py`).
    """

    def __call__(self, step: Step) -> Tensor:
        return F.l1_loss(step.fake, step.batch.photo)
