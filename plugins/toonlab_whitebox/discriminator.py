"""White-box's discriminator: logits of patches after three strided convolutions, with spectral norm only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from toonlab.ops.layers import spectral_norm as with_spectral_norm

from .layers import convolution, halving


class WhiteboxDiscriminator(nn.Module):
    """White-box's discriminator, of surfaces and of textures alike.

    `disc_sn` of its code (`train_code/network.py`) with `patch=True`: `(B, in_channels, H, W)` -> logits
    `(B, 1, ⌈H/8⌉, ⌈W/8⌉)`. The power iteration of the spectral norm counts as constant in the gradient.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first two convolutions, doubled twice; cost grows with its square. The original's 32 has
            287,137 parameters for 3 channels and 286,561 for 1.
        spectral_norm: divide every kernel by its spectral norm.
    """

    def __init__(
        self,
        in_channels: Annotated[int, Field(gt=0)],
        width: Annotated[int, Field(gt=0)] = 32,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((in_channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [_normed(halving(inputs, outputs), spectral_norm), nn.LeakyReLU(0.2)]
            layers += [_normed(convolution(outputs, outputs), spectral_norm), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, _normed(convolution(4 * width, 1, 1), spectral_norm))

    def forward(self, view: Tensor) -> Tensor:
        return self.layers(view)


def _normed(module: nn.Conv2d, spectral_norm: bool) -> nn.Conv2d:
    return with_spectral_norm(module, stop_gradient=True) if spectral_norm else module
