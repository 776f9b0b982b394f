"""CycleGAN's networks: a generator with residual blocks, and a discriminator of overlapping patches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision
from toonlab.ops.layers import tapped


class ResNet(nn.Module):
    """CycleGAN's generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1]; sides must be multiples of 4.

    Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV
    2017, section 7.2: after Johnson, Alahi and Fei-Fei, ECCV 2016, with reflected borders and instance norm without
    parameters. Kernels from N(0, 0.02). Raises `PartError` for sides that are not multiples of 4, or below 8.

    Its features (`encode`) are, from layer 1, the outputs of the first three convolutions and of the residual blocks.

    Args:
        width: channels at full resolution; cost grows with its square. 64 with 9 blocks has 11,378,179 parameters.
        blocks: residual blocks; 9 in the paper for 256 pixels and more, 6 for 128.
        antialias: halve sides by a blur (1, 2, 1), and double them bilinearly, after convolutions that leave them as
            they are: as CUT's code does. Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019.
    """

    side_multiple, side_minimum = 4, 8

    def __init__(self, width: PositiveInt = 64, blocks: PositiveInt = 9, antialias: bool = False) -> None:
        super().__init__()
        half, quarter = 2 * width, 4 * width
        encoder = [
            *_block(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect")),
            *_down(width, half, antialias),
            *_down(half, quarter, antialias),
            *(ResidualBlock(quarter) for _ in range(blocks)),
        ]
        self.ends = [index for index, each in enumerate(encoder, 1) if isinstance(each, nn.Conv2d | ResidualBlock)]
        self.layers = nn.Sequential(
            *encoder,
            *_up(quarter, half, antialias),
            *_up(half, width, antialias),
            nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"),
        )
        self.apply(initialise)

    def encode(self, images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        """The features of some layers; see `toonlab.Encoder`."""
        return tapped(self.layers, self.ends, images, layers)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "resnet: sides", multiple=4, smallest=8)
        return torch.tanh(full_precision(self.layers(photo)))  # bf16 has fewer levels near -1 and 1 than a picture


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with instance norm, and ReLU between them, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.branch = nn.Sequential(*_block(first), second, _instance_norm(channels))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class PatchGAN(nn.Module):
    """CycleGAN's and pix2pix's discriminator: `(B, in_channels, H, W)` -> logits `(B, 1, h, w)`.

    With 3 layers each logit sees a square of 70 pixels, and h = H / 8 - 2. Isola, Zhu, Zhou and Efros, "Image-to-Image
    Translation with Conditional Adversarial Networks", CVPR 2017, section 6.1.2, with instance norm without parameters
    as in CycleGAN. Kernels from N(0, 0.02). Raises `PartError` for sides that leave no logit.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution; cost grows with its square. 64 with 3 layers has 2,764,737 parameters.
        layers: convolutions with stride 2.
        antialias: halve sides by a blur, as in `ResNet`.
    """

    def __init__(
        self, in_channels: int, width: PositiveInt = 64, layers: PositiveInt = 3, antialias: bool = False
    ) -> None:
        super().__init__()
        channels = [in_channels, *(width * min(2**index, 8) for index in range(layers + 1))]
        self.layers = nn.Sequential()
        for index in range(layers + 1):
            stride = 2 if index < layers and not antialias else 1
            self.layers.append(nn.Conv2d(channels[index], channels[index + 1], 4, stride=stride, padding=1))
            self.layers.extend([_instance_norm(channels[index + 1])] if index else [])
            self.layers.append(nn.LeakyReLU(0.2))
            self.layers.extend([BlurDown()] if antialias and index < layers else [])
        self.layers.append(nn.Conv2d(channels[-1], 1, 4, padding=1))
        self.smallest = 3 * 2**layers
        self.apply(initialise)

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, "patchgan: sides", multiple=1, smallest=self.smallest)
        return self.layers(view)


class BlurDown(nn.Module):
    """Half the sides, by a blur with (1, 2, 1) in both directions: `(B, C, H, W)` -> `(B, C, ceil(H/2), ceil(W/2))`."""

    def forward(self, features: Tensor) -> Tensor:
        line = torch.tensor([0.25, 0.5, 0.25], dtype=features.dtype).to(features.device, non_blocking=True)
        kernel = torch.outer(line, line).expand(features.shape[1], 1, 3, 3)
        padded = F.pad(features, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(padded, kernel, stride=2, groups=features.shape[1])


def initialise(module: nn.Module) -> None:
    """Kernels from N(0, 0.02), biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def _block(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, _instance_norm(convolution.out_channels), nn.ReLU(inplace=True)]


def _down(inputs: int, outputs: int, antialias: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=1 if antialias else 2, padding=1)
    return [*_block(convolution), *([BlurDown()] if antialias else [])]


def _up(inputs: int, outputs: int, antialias: bool) -> list[nn.Module]:
    if antialias:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        return [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), *_block(convolution)]
    return _block(nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1))


def _instance_norm(channels: int) -> nn.Module:
    """Instance norm (eps 1e-5) as a group norm with one channel per group: the same values, faster on a CPU."""
    return nn.GroupNorm(channels, channels, affine=False)
