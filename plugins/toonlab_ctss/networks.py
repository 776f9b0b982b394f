"""CTSS's networks: generators with and without U-Net skips, and discriminators of whole images and of patches."""

from collections.abc import Sequence

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from toonlab.ops.blocks import ConvBlock, InvertedResidual
from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision
from toonlab.ops.layers import LayerNorm, SameConv2d, tapped, upsample2x, variance_scaling_
from toonlab.ops.layers import spectral_norm as with_spectral_norm


class CTSSUNet(nn.Module):
    """CTSS's generator, with U-Net skips; sides must be multiples of 4.

    `G_net_unet` of its code (`net/generator.py`): photo -> cartoon, `(B, 3, H, W)` in [-1, 1]. Stages a to e are named
    as there: a and b halve the image, c keeps it, d and e double it; the inputs of b and a are concatenated to the
    upsampled inputs of d and e. Raises `PartError` for sides that are not multiples of 4, or below 8.

    Args:
        width: channels at full resolution, 2 and 4 times as many at half and a quarter; cost grows with its square. The
            original's 32 has 2,233,920 parameters.
    """

    name, skips = "ctss_unet", True  # the name in recipes, for errors
    side_multiple, side_minimum = 4, 8

    def __init__(self, width: PositiveInt = 32) -> None:
        super().__init__()
        full, half, quarter = width, 2 * width, 4 * width
        self.a_full = ConvBlock(3, full, kernel_size=7)
        self.a_half = nn.Sequential(ConvBlock(full, half, stride=2), ConvBlock(half, half))
        self.b = nn.Sequential(ConvBlock(half, quarter, stride=2), ConvBlock(quarter, quarter))
        self.c = nn.Sequential(
            ConvBlock(quarter, quarter),
            InvertedResidual(quarter, 2 * quarter),
            *(InvertedResidual(2 * quarter, 2 * quarter) for _ in range(3)),
            ConvBlock(2 * quarter, quarter),
        )
        self.d_up = ConvBlock(quarter, quarter)
        self.d = ConvBlock(quarter + half * self.skips, quarter)
        self.e_up = ConvBlock(quarter, half)
        self.e = nn.Sequential(ConvBlock(half + full * self.skips, half), ConvBlock(half, full, kernel_size=7))
        self.out = SameConv2d(full, 3, kernel_size=1)
        self.apply(_initialise)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, f"{self.name}: sides", multiple=4, smallest=8)
        full = self.a_full(photo)  # (B, width, H, W)
        half = self.a_half(full)  # (B, 2*width, H/2, W/2)
        quarter = self.c(self.b(half))  # (B, 4*width, H/4, W/4)
        half = self.d(self._join(self.d_up(upsample2x(quarter)), half))
        full = self.e(self._join(self.e_up(upsample2x(half)), full))
        return torch.tanh(full_precision(self.out(full)))  # bf16 has fewer levels near -1 and 1 than a picture

    def encode(self, images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        """The features of some layers, see `toonlab.Encoder`: 1 to 3 are a at full and half size and b, the rest c."""
        modules = [self.a_full, self.a_half, self.b, *self.c]
        return tapped(modules, range(1, len(modules) + 1), images, layers)

    def _join(self, upsampled: Tensor, skip: Tensor) -> Tensor:
        return torch.cat([upsampled, skip], dim=1) if self.skips else upsampled


class CTSSPlain(CTSSUNet):
    """CTSS's generator without skips; sides must be multiples of 4.

    `G_net` of its code (`net/generator.py`).

    Args:
        width: channels at full resolution; cost grows with its square. The original's 32 has 2,141,760 parameters.
    """

    name, skips = "ctss_plain", False


def _initialise(module: nn.Module) -> None:
    if isinstance(module, SameConv2d):
        kernel_area = module.weight[0, 0].numel()
        # as in TensorFlow 1, for a depthwise kernel too: that makes its initial weights very small
        variance_scaling_(module.weight, fan_in=kernel_area * module.in_channels)


class CTSSImage(nn.Module):
    """CTSS's discriminator of whole images.

    `D_net` of its code (`net/discriminator.py`): `(B, in_channels, H, W)` -> logits `(B, 1, H//8, W//8)`, after three
    strided convolutions with layer norm. The gradient flows through the spectral norm's power iteration. Raises
    `PartError` for sides below 16.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution, doubled by each of the three that follow; cost grows with its square.
            The original's 32 has 391,200 parameters.
        spectral_norm: divide every kernel by its spectral norm.
    """

    name = "ctss_image"  # in recipes, for errors

    def __init__(self, in_channels: PositiveInt, width: PositiveInt = 32, spectral_norm: bool = True) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip([in_channels, *widths[:3]], widths, [1, 2, 2, 2], strict=True):
            convolution = _convolution(inputs, outputs, stride, spectral_norm)
            layers += [convolution, LayerNorm(outputs), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, _convolution(widths[-1], 1, 1, spectral_norm))

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, f"{self.name}: a view's sides", smallest=16)
        return self.layers(view)


class CTSSPatch(CTSSImage):
    """CTSS's discriminator of patches, half as wide as that of whole images.

    `patch_D_net` of its code (`net/discriminator.py`).

    Args:
        width: channels of the first convolution; cost grows with its square. The original's 16 has 98,544 parameters.
    """

    name = "ctss_patch"

    def __init__(self, in_channels: PositiveInt, width: PositiveInt = 16, spectral_norm: bool = True) -> None:
        super().__init__(in_channels, width, spectral_norm)


def _convolution(inputs: int, outputs: int, stride: int, spectral_norm: bool) -> nn.Module:
    convolution = SameConv2d(inputs, outputs, stride=stride)
    nn.init.normal_(convolution.weight, std=0.02)
    return with_spectral_norm(convolution) if spectral_norm else convolution
