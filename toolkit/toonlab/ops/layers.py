"""Layers of TensorFlow 1 networks in PyTorch.

PyTorch's own layers differ in ways that change the numbers: in the padding with stride 2, bilinear upsampling,
normalisation over a whole sample, the order of the spectral norm's power iteration, and initialisation.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from toonlab.errors import PartError

from .filters import full_precision

_M = TypeVar("_M", bound=nn.Module)


class SameConv2d(nn.Conv2d):
    """A convolution that pads each side by `kernel_size - stride` in total: `(B, in, H, W)` -> `(B, out, H/s, W/s)`.

    Sides that are no multiples of the stride are rounded down. With stride 1 both ends get half of the padding. With
    stride 2 and a kernel of 3, one row and one column are added: at the bottom and right in CTSS, White-box and
    AnimeGAN's generator, at the top and left in AnimeGAN's critic.

    The arguments `in_channels`, `out_channels`, `kernel_size`, `stride` and `groups` are those of `nn.Conv2d`.

    Args:
        bias: as for `nn.Conv2d`, but there is none by default.
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


def tapped(
    modules: Iterable[nn.Module], ends: Sequence[int], images: Tensor, layers: Sequence[int]
) -> tuple[Tensor, ...]:
    """The features of a generator at some of its layers, for `toonlab.Encoder`.

    Args:
        modules: that follow each other, the first of which takes the images.
        ends: layer i is what the first `ends[i - 1]` modules make; layer 0 is the images.
        images: `(B, 3, H, W)`.
        layers: of which features are returned, in this order.

    Raises:
        PartError: if there is no such layer.
    """
    if unknown := [layer for layer in layers if not 0 <= layer <= len(ends)]:
        raise PartError(f"layers: got {unknown[0]}, expected 0, the images, to {len(ends)}, the deepest")
    counts = [(0, *ends)[layer] for layer in layers]
    found, features = {0: images}, images
    for count, module in enumerate(islice(modules, max(counts, default=0)), 1):
        features = module(features)
        if count in counts:
            found[count] = features
    return tuple(found[count] for count in counts)


class LayerNorm(nn.GroupNorm):
    """Layer norm over the channels and pixels of each sample jointly, with a scale and a shift per channel.

    `(B, channels, H, W)` -> the same. `tf.contrib.layers.layer_norm` with its eps of 1e-12, as a group norm with one
    group; `nn.LayerNorm` would fix the image size and learn a scale per pixel. An input of zeros gives the shift.

    Args:
        channels: of the input.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = 1e-12) -> None:
        super().__init__(1, channels, eps=eps)


def upsample2x(images: Tensor) -> Tensor:
    """Bilinear upsampling by 2 as in TensorFlow 1: `(B, C, H, W)` -> `(B, C, 2H, 2W)`, any range.

    Without half-pixel centres: along each axis out[2i] = in[i] and out[2i+1] = (in[i] + in[i+1]) / 2, with the last
    sample replicated; neither value of `align_corners` in PyTorch gives this. Keeps the memory format `channels_last`.
    """
    if images.is_contiguous(memory_format=torch.channels_last):
        return _double(_double(images.permute(0, 2, 3, 1), 2), 1).permute(0, 3, 1, 2)
    return _double(_double(images, 3), 2)


def _double(values: Tensor, dim: int) -> Tensor:
    length = values.shape[dim]
    following = torch.cat([values.narrow(dim, 1, length - 1), values.narrow(dim, length - 1, 1)], dim)
    return torch.stack([values, torch.lerp(values, following, 0.5)], dim + 1).flatten(dim, dim + 1)


class SpectralNorm(nn.Module):
    """Divides a weight by an estimate of its largest singular value, from one power iteration with a stored `u`.

    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018, algorithm 1, in the order of
    the TensorFlow 1 code that CTSS, AnimeGAN and White-box share: every evaluation computes u -> v -> u' and
    sigma = v W u', and in training u' replaces u. PyTorch's own is half an iteration ahead and stores v as well.

    This is the parametrization that `spectral_norm(module)` registers. The weight, `(outputs, ...)`, is treated as a
    matrix of its first dimension by all others.

    Args:
        outputs: the weight's first dimension.
        stop_gradient: treat u and v as constants (White-box) instead of differentiating through them (CTSS, AnimeGAN).
    """

    u: Tensor

    def __init__(self, outputs: int, stop_gradient: bool = False) -> None:
        super().__init__()
        self.stop_gradient = stop_gradient
        self.given: Tensor | None = None  # the next evaluation, by `ops.spectral.norm_together`
        self.register_buffer("u", truncated_normal_(torch.empty(outputs), std=1.0))

    def forward(self, weight: Tensor) -> Tensor:
        if self.given is not None:
            given, self.given = self.given, None
            return given
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
    """Register `SpectralNorm` on a module's weight: each access to `module.weight` is then one evaluation.

    Args:
        module: with a parameter `weight`, such as a convolution; changed in place.
        stop_gradient: as for `SpectralNorm`.

    Returns:
        The module.
    """
    weight = module.weight
    assert isinstance(weight, Tensor)
    parametrization = SpectralNorm(len(weight), stop_gradient)
    # `unsafe` only skips a trial evaluation, which would already move u
    parametrize.register_parametrization(module, "weight", parametrization, unsafe=True)
    return module


def truncated_normal_(tensor: Tensor, std: float) -> Tensor:
    """Fill a tensor from a normal distribution, redrawing values beyond 2 `std`; the resulting deviation is 0.88 `std`.

    As `tf.truncated_normal`.

    Args:
        tensor: any shape; changed in place and returned.
        std: of the distribution before truncation.
    """
    return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)


def variance_scaling_(weight: Tensor, scale: float = 2.0, fan_in: int | None = None) -> Tensor:
    """Fill a weight from a truncated normal distribution of variance `scale / fan_in`.

    `tf.contrib.layers.variance_scaling_initializer`, which compensates for the truncation by a factor of 1.3; with a
    scale of 2, He et al., "Delving Deep into Rectifiers", ICCV 2015.

    Args:
        weight: `(out, in, h, w)`; changed in place and returned.
        scale: of the variance.
        fan_in: inputs of one output; by default `in * h * w`. For a depthwise kernel TensorFlow counts all channels.
    """
    return truncated_normal_(weight, math.sqrt(1.3 * scale / (fan_in or weight[0].numel())))
