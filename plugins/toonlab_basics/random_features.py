"""Features of a small convolutional network with fixed random weights, where no trained network is available."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from toonlab import check_images

_SLOPE = 0.2  # of the LeakyReLU


class RandomFeatures(nn.Module):
    """Features of a small random network: fast and without a download, but not trained on any picture.

    `(B, 3, H, W)` -> `(B, width * 2**(depth-1), h, w)` with h = H / 2**depth, rounded up: at the defaults 128
    channels at 1/8 of the size, as far down as VGG19's conv4_4.

    For demonstrations, tests, and machines without internet: random filters preserve positions, and suffice to
    reconstruct a picture and to match its texture (He, Wang and Hopcroft, "A Powerful Generative Model Using Random
    Weights for the Deep Image Representation", NeurIPS 2016; Ustyuzhaninov et al., "Texture Synthesis Using Shallow
    Convolutional Networks with Random Filters", 2016). Not for published comparisons: random networks agree much less
    with human judgements of similarity than trained ones (Zhang et al., "The Unreasonable Effectiveness of Deep
    Features as a Perceptual Metric", CVPR 2018), and the loss is closer to a loss on pixels.

    Features are of the order of 1, and so is the L1 distance of unrelated pictures (0.6 to 0.9 over seeds and depths).
    VGG19's in the caffe convention are larger (46 with random weights), so a weight of the content loss for VGG19 is
    too small here.

    Frozen; He initialisation from torch's CPU generator, a function of the parameters only.

    Args:
        width: channels of the first layer; each further layer has twice as many.
        depth: number of layers, each a 3x3 convolution with stride 2, with LeakyReLU between them.
        seed: of the weights, equal in all runs of a method; not the run's seed.
    """

    def __init__(
        self,
        width: Annotated[int, Field(gt=0)] = 32,
        depth: Annotated[int, Field(ge=1, le=6)] = 3,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        channels = [3, *(width * 2**index for index in range(depth))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [_random_convolution(inputs, outputs, rng), nn.LeakyReLU(_SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])  # like VGG's conv4_4, before the activation
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        check_images(images, "random", channels=3)
        return self.layers(images)


def _random_convolution(inputs: int, outputs: int, rng: torch.Generator) -> nn.Conv2d:
    """A convolution that, with its activation, preserves the mean square of its input (He et al., ICCV 2015)."""
    layer = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, padding_mode="replicate", bias=False, device="meta")
    gain = math.sqrt(2 / (1 + _SLOPE**2))
    layer.weight = nn.Parameter(torch.randn(layer.weight.shape, generator=rng) * gain / math.sqrt(9 * inputs))
    return layer
