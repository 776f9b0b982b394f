"""AnimeGAN's Gram loss: the texture of cartoons, without their colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from toonlab import Step
from toonlab.ops.filters import luminance
from toonlab.ops.gram import gram_matrix


@dataclass(frozen=True)
class Gram:
    """Distance between the Gram matrices of the fake and of a gray cartoon, for texture and strokes without colours.

    Mean absolute difference over all pairs of channels and all images, each fake against the cartoon at its place in
    the batch; one matrix per image, of the recipe's features, divided by their number. Gray is the luminance, in three
    equal channels. The grayscale style loss of Chen, Liu and Chen, "AnimeGAN", ISICA 2019; `style_loss` in its code
    (`tools/ops.py`). It grows with the square of the features, so a suitable weight depends on the extractor.
    """

    def __call__(self, step: Step) -> Tensor:
        gray = luminance(step.batch.cartoon).expand(-1, 3, -1, -1)
        return F.l1_loss(gram_matrix(step.features(step.fake)), gram_matrix(step.features(gray)))
