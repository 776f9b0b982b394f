"""AnimeGAN's losses: the texture of cartoons without their colours, and gray cartoons as the critic's fakes.

The discriminator losses take any view of the critic, `(N, C, H, W)` in `views.value_range`, and replace all channels
by gray: the luminance of 3 channels, the mean of another number.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from toonlab import CriticParts, Logits, Step, Views
from toonlab.ops.edges import smooth_edges
from toonlab.ops.filters import luminance
from toonlab.ops.gram import gram_matrix


@dataclass(frozen=True)
class Gram:
    """Distance between the Gram matrices of the fake and of a gray cartoon, for texture and strokes without colours.

    Mean absolute difference over all pairs of channels and all images, each fake against the cartoon at its place in
    the batch; one matrix per image, of the recipe's features, divided by their number; the mean over layers, if there
    are several. Gray is the luminance, in three equal channels. The grayscale style loss of Chen, Liu and Chen,
    "AnimeGAN", ISICA 2019; `style_loss` in its code (`tools/ops.py`). It grows with the square of the features, so a
    suitable weight depends on the extractor.
    """

    def __call__(self, step: Step) -> Tensor:
        gray = luminance(step.batch.cartoon).expand(-1, 3, -1, -1)
        return step.features.mean_over_layers(_gram_distance, step.fake, gray)


@dataclass(frozen=True)
class GraySuppression:
    """The critic's loss on gray cartoons, treated as fakes, so that the generator keeps colours.

    With the Gram loss only, which compares with gray cartoons, the fakes would fade. The grayscale adversarial loss of
    Chen, Liu and Chen, "AnimeGAN", ISICA 2019; `discriminator_loss` in its code (`tools/ops.py`). Not for views of one
    channel, which are gray already.
    """

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        return critic.objective.fake(critic.logits(_spread(gray(views.real), views.real)))


@dataclass(frozen=True)
class SmoothSuppression:
    """The critic's loss on gray cartoons smoothed along their edges, treated as fakes, so that edges stay sharp.

    Chen, Liu and Chen, "AnimeGAN", ISICA 2019, with a weight of 0.1; `discriminator_loss` in its code, and
    `tools/edge_smooth.py` for the smoothing. The gray image is smoothed, not the colours: smoothing is linear, so only
    the rounding differs.
    """

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        smooth = smooth_edges(gray(views.real), views.value_range)
        return critic.objective.fake(critic.logits(_spread(smooth, views.real)))


def _gram_distance(features: Tensor, others: Tensor) -> Tensor:
    return F.l1_loss(gram_matrix(features), gram_matrix(others))


def gray(images: Tensor) -> Tensor:
    """`(N, C, H, W)` -> `(N, 1, H, W)`, same range: the luminance of 3 channels, or the mean of another number."""
    return luminance(images) if images.shape[1] == 3 else images.mean(1, keepdim=True)


def _spread(image: Tensor, like: Tensor) -> Tensor:
    """One channel repeated to the shape of `like`, contiguous: a convolution would copy an expanded view twice."""
    return image.expand_as(like).contiguous()
