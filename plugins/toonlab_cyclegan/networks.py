"""CycleGAN's networks: a generator with residual blocks, and a discriminator of overlapping patches."""

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision


class ResNet(nn.Module):
    """CycleGAN's generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1]; sides must be multiples of 4.

    Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV
    2017, section 7.2: after Johnson, Alahi and Fei-Fei, ECCV 2016, with reflected borders and instance norm without
    parameters. Kernels from N(0, 0.02). Raises `PartError` for sides that are not multiples of 4, or below 8.

    Args:
        width: channels at full resolution; cost grows with its square. 64 with 9 blocks has 11,378,179 parameters.
        blocks: residual blocks; 9 in the paper for 256 pixels and more, 6 for 128.
    """

    side_multiple, side_minimum = 4, 8

    def __init__(self, width: PositiveInt = 64, blocks: PositiveInt = 9) -> None:
        super().__init__()
        half, quarter = 2 * width, 4 * width
        self.layers = nn.Sequential(
            *_block(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect")),
            *_block(nn.Conv2d(width, half, 3, stride=2, padding=1)),
            *_block(nn.Conv2d(half, quarter, 3, stride=2, padding=1)),
            *(ResidualBlock(quarter) for _ in range(blocks)),
            *_block(nn.ConvTranspose2d(quarter, half, 3, stride=2, padding=1, output_padding=1)),
            *_block(nn.ConvTranspose2d(half, width, 3, stride=2, padding=1, output_padding=1)),
            nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"),
        )
        self.apply(initialise)

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
    """

    def __init__(self, in_channels: int, width: PositiveInt = 64, layers: PositiveInt = 3) -> None:
        super().__init__()
        channels = [width * min(2**index, 8) for index in range(layers + 1)]
        self.layers = nn.Sequential(nn.Conv2d(in_channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        for index in range(1, layers + 1):
            stride = 2 if index < layers else 1
            convolution = nn.Conv2d(channels[index - 1], channels[index], 4, stride=stride, padding=1)
            self.layers.extend([convolution, _instance_norm(channels[index]), nn.LeakyReLU(0.2)])
        self.layers.append(nn.Conv2d(channels[-1], 1, 4, padding=1))
        self.smallest = 3 * 2**layers
        self.apply(initialise)

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, "patchgan: sides", multiple=1, smallest=self.smallest)
        return self.layers(view)


def initialise(module: nn.Module) -> None:
    """Kernels from N(0, 0.02), biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def _block(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, _instance_norm(convolution.out_channels), nn.ReLU(inplace=True)]


def _instance_norm(channels: int) -> nn.Module:
    """Instance norm (eps 1e-5) as a group norm with one channel per group: the same values, faster on a CPU."""
    return nn.GroupNorm(channels, channels, affine=False)
