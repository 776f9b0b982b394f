"""AnimeGAN's and AnimeGANv2's networks: generators with inverted residuals, and a discriminator of patches."""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from toonlab.ops.blocks import ConvBlock as LayerBlock
from toonlab.ops.blocks import InvertedResidual as LayerResidual
from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision
from toonlab.ops.layers import LayerNorm, SameConv2d, truncated_normal_, upsample2x, variance_scaling_
from toonlab.ops.layers import spectral_norm as with_spectral_norm

SLOPE = 0.2  # of every LeakyReLU
BLOCKS = 8  # inverted residuals, at a quarter of the size


class InstanceNorm(nn.GroupNorm):
    """Instance norm with a scale and a shift per channel, as `tf.contrib.layers.instance_norm`.

    Group norm with one channel per group, which on a CPU is faster than `nn.InstanceNorm2d`. In float32 it is
    inaccurate there where a channel's mean is far above its deviation (2e-4 of the output of AnimeGAN's generator), so
    the mean is subtracted first; the gradient does not depend on it. On a GPU one kernel computes both statistics,
    accurately (Welford's algorithm), and nothing is subtracted.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, channels, eps)

    def forward(self, input: Tensor) -> Tensor:
        inaccurate = input.dtype == torch.float32 and input.device.type == "cpu"
        centred = input - input.detach().mean((2, 3), keepdim=True) if inaccurate else input
        return F.group_norm(centred, self.num_groups, self.weight, self.bias, self.eps)


class ConvBlock(nn.Sequential):
    """Convolution with reflection padding, instance norm, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3, groups: int = 1) -> None:
        super().__init__(
            SameConv2d(inputs, outputs, kernel_size, groups=groups),
            InstanceNorm(outputs),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class SeparableBlock(nn.Sequential):
    """Depthwise 3x3, then 1x1 with nothing between them, instance norm, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            SameConv2d(inputs, inputs, stride=stride, groups=inputs),
            SameConv2d(inputs, outputs, kernel_size=1),
            InstanceNorm(outputs, eps=1e-6),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class InvertedResidual(nn.Module):
    """Twice as many channels, depthwise 3x3, then linear back to as many as before; added to the input.

    Sandler et al., "MobileNetV2", CVPR 2018.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 2 * channels
        self.expand = ConvBlock(channels, hidden, kernel_size=1)
        self.depthwise = ConvBlock(hidden, hidden, groups=hidden)
        self.project = nn.Sequential(SameConv2d(hidden, channels, kernel_size=1), InstanceNorm(channels))

    def forward(self, features: Tensor) -> Tensor:
        branch: Tensor = self.project(self.depthwise(self.expand(features)))
        return branch.add_(features)  # in place: the norm's gradient needs only its input


class Down(nn.Module):
    """Half the size, as the sum of two paths: one with a stride of 2, one of every second row and column."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.strided = SeparableBlock(inputs, outputs, stride=2)
        self.thinned = SeparableBlock(inputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        # TensorFlow 1's bilinear resize to half the size has no half-pixel centres: it takes these pixels as they are
        return self.strided(features) + self.thinned(features[..., ::2, ::2])


class AnimeGANGenerator(nn.Module):
    """AnimeGAN's generator; sides must be multiples of 4.

    `G_net` of its code (`net/generator.py`): photo -> cartoon, `(B, 3, H, W)` in [-1, 1]. Raises `PartError` for other
    sides, or below 8.

    Args:
        width: channels at full resolution; cost grows with its square. The original's 64 has 3,956,096 parameters.
    """

    side_multiple, side_minimum = 4, 8

    def __init__(self, width: PositiveInt = 64) -> None:
        super().__init__()
        full, half, quarter = width, 2 * width, 4 * width
        self.b1 = nn.Sequential(ConvBlock(3, full), ConvBlock(full, full), Down(full, half))
        self.b2 = nn.Sequential(ConvBlock(half, half), SeparableBlock(half, half), Down(half, quarter))
        self.m = nn.Sequential(
            ConvBlock(quarter, quarter),
            *(InvertedResidual(quarter) for _ in range(BLOCKS)),
            ConvBlock(quarter, quarter),
        )
        self.u2 = nn.Sequential(SeparableBlock(quarter, half), SeparableBlock(half, half), ConvBlock(half, half))
        self.u1 = nn.Sequential(SeparableBlock(half, half), ConvBlock(half, full), ConvBlock(full, full))
        self.out = SameConv2d(full, 3, kernel_size=1)
        self.apply(_initialise)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "animegan: sides", multiple=4, smallest=8)
        quarter = self.m(self.b2(self.b1(photo)))  # (B, 4*width, H/4, W/4)
        half = self.u2(upsample2x(quarter))  # (B, 2*width, H/2, W/2)
        full = self.u1(upsample2x(half))  # (B, width, H, W)
        return torch.tanh(full_precision(self.out(full)))  # bf16 has fewer levels near -1 and 1 than a picture


def _initialise(module: nn.Module) -> None:
    """Glorot and Bengio's uniform weights, except for the depthwise convolutions of the residual blocks."""
    if isinstance(module, SameConv2d):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, InvertedResidual):  # visited after its convolutions
        truncated_normal_(module.depthwise.get_parameter("0.weight"), std=0.02)


class AnimeGANv2Generator(nn.Module):
    """AnimeGANv2's generator; sides must be multiples of 4.

    `G_net` of its code (`net/generator.py`): photo -> cartoon, `(B, 3, H, W)` in [-1, 1]. Raises `PartError` for other
    sides, or below 8.

    Args:
        width: channels at full resolution; cost grows with its square. The original's 32 has 2,143,552 parameters.
    """

    side_multiple, side_minimum = 4, 8

    def __init__(self, width: PositiveInt = 32) -> None:
        super().__init__()
        full, half, quarter, wide = width, 2 * width, 4 * width, 8 * width
        self.a = nn.Sequential(LayerBlock(3, full, 7), LayerBlock(full, half, stride=2), LayerBlock(half, half))
        self.b = nn.Sequential(LayerBlock(half, quarter, stride=2), LayerBlock(quarter, quarter))
        self.c = nn.Sequential(
            LayerBlock(quarter, quarter),
            LayerResidual(quarter, wide, bias=True),
            *(LayerResidual(wide, wide, bias=True) for _ in range(3)),
            LayerBlock(wide, quarter),
        )
        self.d = nn.Sequential(LayerBlock(quarter, quarter), LayerBlock(quarter, quarter))
        self.e = nn.Sequential(LayerBlock(quarter, half), LayerBlock(half, half), LayerBlock(half, full, 7))
        self.out = SameConv2d(full, 3, kernel_size=1)
        for module in self.modules():
            if isinstance(module, SameConv2d):
                kernel = module.kernel_size[0]
                variance_scaling_(module.weight, fan_in=module.in_channels * kernel**2)  # TensorFlow's, if depthwise
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "animegan_v2: sides", multiple=4, smallest=8)
        quarter = self.c(self.b(self.a(photo)))  # (B, 4*width, H/4, W/4)
        half = self.d(upsample2x(quarter))  # (B, 4*width, H/2, W/2)
        full = self.e(upsample2x(half))  # (B, width, H, W)
        return torch.tanh(full_precision(self.out(full)))  # as in AnimeGANGenerator


class ZeroPadConv2d(nn.Conv2d):
    """A 3x3 convolution without bias, zeros around the input; `(B, C, H, W)` -> `(B, out, H//stride, W//stride)`.

    With a stride of 2 the original pads only the top and the left. Padding all sides within the convolution computes
    the same without copying the input: on an even side it does not reach the last zeros, on an odd side the last
    output, which does, is cut off.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        height, width = (side // stride for side, stride in zip(input.shape[-2:], self.stride, strict=True))
        return super().forward(input)[..., :height, :width]


class AnimeGANDiscriminator(nn.Module):
    """AnimeGAN's discriminator, and with layer norm AnimeGANv2's.

    `D_net` of its code (`net/discriminator.py`) with `n_dis` 3: `(B, in_channels, H, W)` -> logits
    `(B, 1, H//4, W//4)`. The gradient flows through the spectral norm's power iteration. Raises `PartError` for sides
    below 8.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution (half of the original's `ch`); cost grows with its square. The
            original's 32 has 1,128,800 parameters.
        spectral_norm: divide every kernel by its spectral norm.
        norm: of the features: `instance`, per channel (AnimeGAN), or `layer`, over all channels (AnimeGANv2).
    """

    def __init__(
        self,
        in_channels: PositiveInt,
        width: PositiveInt = 32,
        spectral_norm: bool = True,
        norm: Literal["instance", "layer"] = "instance",
    ) -> None:
        super().__init__()
        self.spectral_norm = spectral_norm
        self.norm = LayerNorm if norm == "layer" else InstanceNorm
        self.layers = nn.Sequential(
            *self._block(in_channels, width, norm=False),
            *self._block(width, 2 * width, stride=2, norm=False),
            *self._block(2 * width, 4 * width),
            *self._block(4 * width, 4 * width, stride=2, norm=False),
            *self._block(4 * width, 8 * width),
            *self._block(8 * width, 8 * width),
            self._convolution(8 * width, 1),
        )

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, "animegan: a view's sides", smallest=8)
        return self.layers(view)

    def _block(self, inputs: int, outputs: int, stride: int = 1, norm: bool = True) -> list[nn.Module]:
        convolution = self._convolution(inputs, outputs, stride)
        activation = nn.LeakyReLU(SLOPE, inplace=True)
        return [convolution, self.norm(outputs), activation] if norm else [convolution, activation]

    def _convolution(self, inputs: int, outputs: int, stride: int = 1) -> nn.Module:
        convolution = ZeroPadConv2d(inputs, outputs, stride)
        nn.init.normal_(convolution.weight, std=0.02)
        return with_spectral_norm(convolution) if self.spectral_norm else convolution
