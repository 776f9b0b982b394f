"""AnimeGAN's further losses of a critic: gray cartoons and cartoons without sharp edges are fakes too.

Both work on whatever the critic looks at: `(N, C, H, W)` in `views.value_range`. What they show it has as many
channels, all of them gray: the luminance of 3 channels, the mean of other numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from toonlab import CriticParts, Logits, Views
from toonlab.ops.edges import smooth_edges
from toonlab.ops.filters import luminance


@dataclass(frozen=True)
class GraySuppression:
    """The critic also learns that gray cartoons are fakes, so that the generator does not give up colours.

    The Gram loss alone would let the fakes fade, since it compares with gray cartoons. The grayscale adversarial loss
    of Chen, Liu and Chen, "AnimeGAN", ISICA 2019; `discriminator_loss` in its code (`tools/ops.py`). A view of one
    channel is gray already: there it works against the critic.
    """

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        return critic.objective.fake(critic.logits(_spread(gray(views.real), views.real)))


@dataclass(frozen=True)
class SmoothSuppression:
    """The critic also learns that gray cartoons without sharp edges are fakes, so that edges are kept.

    Chen, Liu and Chen, "AnimeGAN", ISICA 2019, with a weight of 0.1; `discriminator_loss` in its code, and
    `tools/edge_smooth.py` for the smoothing. That is computed in gray: the smoothing is linear, so that gray of the
    smoothed colours differs by the rounding alone.
    """

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        smooth = smooth_edges(gray(views.real), views.value_range)
        return critic.objective.fake(critic.logits(_spread(smooth, views.real)))


def gray(images: Tensor) -> Tensor:
    """`(N, C, H, W)` -> `(N, 1, H, W)` in the same range: the luminance of 3 channels, the mean of other numbers."""
    return luminance(images) if images.shape[1] == 3 else images.mean(1, keepdim=True)


def _spread(image: Tensor, like: Tensor) -> Tensor:
    """One channel as so many equal ones, in memory too: a convolution would copy it, forwards and backwards."""
    return image.expand_as(like).contiguous()
