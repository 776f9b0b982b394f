"""White-box's networks: a U-Net with additive skips, whose output is filtered along the photo's edges; a discriminator.

Convolutions have zero padding as in TensorFlow, biases, and Glorot and Bengio's initial weights.
"""

import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision, guided_filter
from toonlab.ops.layers import spectral_norm as with_spectral_norm
from toonlab.ops.layers import upsample2x

SLOPE = 0.2  # of every LeakyReLU


class HalvingConv2d(nn.Conv2d):
    """A 3x3 convolution of stride 2 with TensorFlow's padding SAME: `(B, C, H, W)` -> `(B, out, ⌈H/2⌉, ⌈W/2⌉)`.

    An even side gets one row of zeros at the end, an odd one a row at each end. Instead of copying the input into a
    larger one, an even side has two rows added at each end by the convolution itself, and the first output, which looks
    at the wrong ones, is cut off.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, stride=2)
        initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        top, left = (1 - side % 2 for side in input.shape[-2:])
        output = F.conv2d(input, self.weight, self.bias, self.stride, padding=(1 + top, 1 + left))
        return output[..., top:, left:]


def convolution(inputs: int, outputs: int, kernel_size: int = 3) -> nn.Conv2d:
    """A convolution that keeps the size, with its initial weights."""
    return initialise(nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2))


def initialise(module: nn.Conv2d) -> nn.Conv2d:
    """Weights uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010), biases 0."""
    nn.init.xavier_uniform_(module.weight)
    assert module.bias is not None
    nn.init.zeros_(module.bias)
    return module


class ResidualBlock(nn.Module):
    """Two convolutions with LeakyReLU between them, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_activated(convolution(channels, channels)), convolution(channels, channels))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class WhiteboxUNet(nn.Module):
    """White-box's generator, with an output that follows the photo's edges; sides must be multiples of 4.

    `unet_generator` of its code (`train_code/network.py`), with the guided filter of `train.py` and of the inference:
    photo -> cartoon, `(B, 3, H, W)` in [-1, 1]. There is no norm and no tanh, so that the output may exceed the range.
    Raises `PartError` for other sides.

    Args:
        width: channels at full resolution; cost grows with its square. The original's 32 has 1,467,075 parameters.
        guided_radius: of the output's filter, which is guided by the photo; in pixels, 0 for none.
        guided_eps: of that filter in training: how little contrast in the photo is smoothed away, in squared units of
            [-1, 1].
        guided_eps_inference: the same for inference; a smaller value keeps more detail.
    """

    side_multiple = 4
    bounded = False  # linear, as in the authors' code; evaluation clamps

    def __init__(
        self,
        width: PositiveInt = 32,
        guided_radius: NonNegativeInt = 1,
        guided_eps: PositiveFloat = 1e-2,
        guided_eps_inference: PositiveFloat = 5e-3,
    ) -> None:
        super().__init__()
        self.guided_radius, self.guided_eps, self.guided_eps_inference = guided_radius, guided_eps, guided_eps_inference
        full, half, quarter = width, 2 * width, 4 * width
        self.full_down = _activated(convolution(3, full, 7))
        self.half_down = _activated(HalvingConv2d(full, full), convolution(full, half))
        self.quarter = nn.Sequential(
            _activated(HalvingConv2d(half, half), convolution(half, quarter)),
            *(ResidualBlock(quarter) for _ in range(4)),
            _activated(convolution(quarter, half)),
        )
        self.half_up = _activated(convolution(half, half), convolution(half, full))
        self.full_up = nn.Sequential(_activated(convolution(full, full)), convolution(full, 3, 7))

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "whitebox_unet: sides", multiple=4)
        full = self.full_down(photo)  # (B, width, H, W)
        half = self.half_down(full)  # (B, 2*width, H/2, W/2)
        quarter = self.quarter(half)  # (B, 2*width, H/4, W/4)
        half = self.half_up(upsample2x(quarter) + half)  # (B, width, H/2, W/2)
        cartoon = full_precision(self.full_up(upsample2x(half) + full))
        return self._guided(photo, cartoon) if self.guided_radius else cartoon

    def _guided(self, photo: Tensor, cartoon: Tensor) -> Tensor:
        eps = self.guided_eps if self.training else self.guided_eps_inference
        return guided_filter(photo, cartoon, self.guided_radius, eps)


def _activated(*convolutions: nn.Module) -> nn.Sequential:
    """Each convolution followed by LeakyReLU."""
    layers = ((module, nn.LeakyReLU(SLOPE, inplace=module.stride == (1, 1))) for module in convolutions)
    return nn.Sequential(*(layer for pair in layers for layer in pair))


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

    def __init__(self, in_channels: PositiveInt, width: PositiveInt = 32, spectral_norm: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((in_channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [_normed(HalvingConv2d(inputs, outputs), spectral_norm), nn.LeakyReLU(SLOPE)]
            layers += [_normed(convolution(outputs, outputs), spectral_norm), nn.LeakyReLU(SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers, _normed(convolution(4 * width, 1, 1), spectral_norm))

    def forward(self, view: Tensor) -> Tensor:
        return self.layers(view)


def _normed(module: nn.Conv2d, spectral_norm: bool) -> nn.Conv2d:
    return with_spectral_norm(module, stop_gradient=True) if spectral_norm else module
