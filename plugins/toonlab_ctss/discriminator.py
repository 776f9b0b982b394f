"""CTSS's discriminators: logits of patches after three strided convolutions, with layer norm and spectral norm."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.layers import LayerNorm, SameConv2d
from toonlab.ops.layers import spectral_norm as with_spectral_norm


class Discriminator(nn.Module):
    """`D_net` and `patch_D_net` of CTSS's code (`net/discriminator.py`), which differ only in width.

    `(B, in_channels, H, W)` -> logits `(B, 1, H//8, W//8)`. Raises `PartError` for sides below 16.

    Args:
        name: in recipes, for errors.
        in_channels: of the view.
        width: channels of the first convolution, doubled by each of the three that follow.
        spectral_norm: divide every kernel by its spectral norm. The gradient flows through the power iteration.
    """

    def __init__(self, name: str, in_channels: int, width: int, spectral_norm: bool) -> None:
        super().__init__()
        self.name = name
        widths = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip([in_channels, *widths[:3]], widths, [1, 2, 2, 2], strict=True):
            convolution = _convolution(inputs, outputs, stride, spectral_norm)
            layers += [convolution, LayerNorm(outputs), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, _convolution(widths[-1], 1, 1, spectral_norm))

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, f"{self.name}: a view's sides", smallest=16)
        return self.layers(view)


def _convolution(inputs: int, outputs: int, stride: int, spectral_norm: bool) -> nn.Module:
    convolution = SameConv2d(inputs, outputs, stride=stride)
    nn.init.normal_(convolution.weight, std=0.02)
    return with_spectral_norm(convolution) if spectral_norm else convolution


def ctss_image(
    in_channels: Annotated[int, Field(gt=0)], width: Annotated[int, Field(gt=0)] = 32, spectral_norm: bool = True
) -> nn.Module:
    """CTSS's discriminator of whole images.

    `D_net` of its code (`net/discriminator.py`).

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution; cost grows with its square. The original's 32 has 391,200 parameters.
        spectral_norm: divide every kernel by its spectral norm.
    """
    return Discriminator("ctss_image", in_channels, width, spectral_norm)


def ctss_patch(
    in_channels: Annotated[int, Field(gt=0)], width: Annotated[int, Field(gt=0)] = 16, spectral_norm: bool = True
) -> nn.Module:
    """CTSS's discriminator of patches, half as wide as that of whole images.

    `patch_D_net` of its code (`net/discriminator.py`).

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution; cost grows with its square. The original's 16 has 98,544 parameters.
        spectral_norm: divide every kernel by its spectral norm.
    """
    return Discriminator("ctss_patch", in_channels, width, spectral_norm)
