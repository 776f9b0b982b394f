"""The building blocks of the TensorFlow 1 networks of this field, in PyTorch.

PyTorch's own differ in ways that change the numbers: padding with stride 2, bilinear upsampling, normalisation over all
of a sample, the order of a spectral norm's power iteration, and initialisation.
"""

from __future__ import annotations

import math
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .filters import full_precision

_M = TypeVar("_M", bound=nn.Module)


class SameConv2d(nn.Conv2d):
    """A convolution without bias that pads by `kernel_size - stride` in all, so that sides divide by the stride.

    With stride 1 both ends get half. With stride 2 and a kernel of 3 a single row and column is added: at the bottom
    and right in CTSS, White-box and AnimeGAN's generator, at the top and left in AnimeGAN's critic. Shapes and
    arguments are those of `nn.Conv2d`.

    Args:
        padding_mode: `reflect` (without repeating the border), or `zeros`.
        extra: the end that gets the odd row and column.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        groups: int = 1,
        bias: bool = False,
        padding_mode: Literal["reflect", "zeros"] = "reflect",
        extra: Literal["end", "start"] = "end",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, groups=groups, bias=bias)
        small, large = (kernel_size - stride) // 2, (kernel_size - stride + 1) // 2
        before, after = (small, large) if extra == "end" else (large, small)
        self.pads = (before, after, before, after)
        self.pad_mode = "constant" if padding_mode == "zeros" else padding_mode

    def forward(self, input: Tensor) -> Tensor:
        padded = F.pad(input, self.pads, self.pad_mode) if any(self.pads) else input
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


class LayerNorm(nn.GroupNorm):
    """Layer norm over channels and space jointly, for each sample, with a scale and a shift per channel.

    `tf.contrib.layers.layer_norm` with its eps of 1e-12: group norm with one group. (`nn.LayerNorm` would fix the image
    size and learn a scale per pixel.) An input that is zero everywhere gives the shift. Float32 does, since over all
    channels together the mean is not far above the spread.
    """

    def __init__(self, channels: int, eps: float = 1e-12) -> None:
        super().__init__(1, channels, eps=eps)


def upsample2x(images: Tensor) -> Tensor:
    """Bilinear upsampling by 2 as in TensorFlow 1, without half-pixel centres: `(B, C, H, W)` -> `(B, C, 2H, 2W)`.

    Along each axis out[2i] = in[i] and out[2i+1] = (in[i] + in[i+1]) / 2, with the last sample repeated. Neither
    setting of `align_corners` gives this. Keeps `channels_last`.
    """
    if images.is_contiguous(memory_format=torch.channels_last):
        return _double(_double(images.permute(0, 2, 3, 1), 2), 1).permute(0, 3, 1, 2)
    return _double(_double(images, 3), 2)


def _double(values: Tensor, dim: int) -> Tensor:
    length = values.shape[dim]
    following = torch.cat([values.narrow(dim, 1, length - 1), values.narrow(dim, length - 1, 1)], dim)
    return torch.stack([values, torch.lerp(values, following, 0.5)], dim + 1).flatten(dim, dim + 1)


class SpectralNorm(nn.Module):
    """Divides a weight by an estimate of its largest singular value, by one power iteration from the stored `u`.

    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018, algorithm 1, in the order of
    the TensorFlow 1 code that CTSS, AnimeGAN and White-box share: every evaluation goes u -> v -> u' and uses
    sigma = v W u', and in training u' replaces u. PyTorch's own goes half an iteration further and stores v as well.

    A parametrization: use `spectral_norm(module)`. The weight counts as a matrix of its first dimension by the rest.

    Args:
        outputs: the weight's first dimension.
        stop_gradient: treat u and v as constants (White-box) instead of differentiating through them (CTSS, AnimeGAN).
    """

    u: Tensor

    def __init__(self, outputs: int, stop_gradient: bool = False) -> None:
        super().__init__()
        self.stop_gradient = stop_gradient
        self.register_buffer("u", truncated_normal_(torch.empty(outputs), std=1.0))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = full_precision(weight).flatten(1)  # (outputs, rest)
            u, v = self._iterate(matrix.detach() if self.stop_gradient else matrix)
            sigma = torch.dot(u, matrix @ v)
        if self.training:
            self.u = u.detach()  # a new tensor: graphs of earlier evaluations still need the old one
        return weight / sigma

    def _iterate(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        v = F.normalize(self.u @ matrix, dim=0)
        return F.normalize(matrix @ v, dim=0), v


def spectral_norm(module: _M, stop_gradient: bool = False) -> _M:
    """Put `SpectralNorm` on a module's weight; from then on every reading of `module.weight` is one evaluation."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    parametrization = SpectralNorm(len(weight), stop_gradient)
    # `unsafe` only skips a trial evaluation, which would already move u
    parametrize.register_parametrization(module, "weight", parametrization, unsafe=True)
    return module


def truncated_normal_(tensor: Tensor, std: float) -> Tensor:
    """Fill with a normal distribution of that `std`, drawing values beyond 2 `std` again: 0.88 `std` remain."""
    return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)


def variance_scaling_(weight: Tensor, scale: float = 2.0, fan_in: int | None = None) -> Tensor:
    """Fill a weight with a truncated normal distribution of variance `scale / fan_in`.

    `tf.contrib.layers.variance_scaling_initializer`, which makes up for the truncation by a factor of 1.3; with a scale
    of 2, He et al., "Delving Deep into Rectifiers", ICCV 2015.

    Args:
        weight: `(out, in, h, w)`.
        fan_in: inputs of one output, `in * h * w` if not given. For a depthwise kernel TensorFlow counts all channels.
    """
    return truncated_normal_(weight, math.sqrt(1.3 * scale / (fan_in or weight[0].numel())))
