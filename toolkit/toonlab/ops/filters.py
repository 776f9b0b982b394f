"""Image filters and colour conversions: pure, differentiable functions of tensors."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def full_precision(images: Tensor) -> Tensor:
    """Half-precision images (fp16, bf16) as float32, for sums of many pixels; others unchanged. Any shape and range."""
    return images.to(torch.promote_types(images.dtype, torch.float32))


def box_mean(images: Tensor, radius: int) -> Tensor:
    """The mean over a square window; near a border, over the part of the window inside the image.

    Window sums come from runs of doubling length: the time grows with log(radius), and no prefix sum over the whole
    image loses precision.

    Args:
        images: `(..., H, W)`, any range, floating point.
        radius: the window is `2 * radius + 1` pixels wide; at least 0.

    Returns:
        `(..., H, W)` in the dtype of the images.
    """
    sums = _window_sums(images, radius) if images.device.type == "cpu" else _WindowSums.apply(images, radius)
    height, width = images.shape[-2:]
    columns = _window_counts(width, radius, images)
    rows = columns if height == width else _window_counts(height, radius, images)
    return sums / (rows[:, None] * columns)


class _WindowSums(torch.autograd.Function):
    """`_window_sums`, whose gradient is the same sums of the gradient: on a GPU a fifth of the kernels."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, radius: int) -> Tensor:
        ctx.radius = radius
        return _window_sums(images, radius)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None]:
        return _WindowSums.apply(*gradient, ctx.radius), None


def _window_sums(images: Tensor, radius: int) -> Tensor:
    """The sum over a square window, of zeros outside the image: `(..., H, W)`."""
    padded = F.pad(images, (radius, radius, radius, radius))
    return _run_sums(_run_sums(padded, -2, 2 * radius + 1), -1, 2 * radius + 1)


def _run_sums(values: Tensor, dim: int, width: int) -> Tensor:
    """Sums of `width` neighbours along `dim`, which becomes `width - 1` shorter: one run for each binary digit."""
    length = values.shape[dim] - width + 1
    runs, run, start = values, 1, 0  # runs[i] = values[i] + … + values[i + run - 1]
    total: Tensor | None = None
    while run <= width:
        if width & run:
            piece = runs.narrow(dim, start, length)
            total = piece if total is None else total + piece
            start += run
        if 2 * run <= width:
            shorter = runs.shape[dim] - run
            runs = runs.narrow(dim, 0, shorter) + runs.narrow(dim, run, shorter)
        run *= 2
    assert total is not None  # width is at least 1
    return total


def _window_counts(length: int, radius: int, like: Tensor) -> Tensor:
    """How many pixels of each window along a side are inside the image: `(length,)`."""
    before = torch.arange(0.5, length, device=like.device).clamp_(max=radius + 0.5)  # with half of the pixel itself
    return (before + before.flip(0)).to(like.dtype)


def guided_filter(guide: Tensor, source: Tensor, radius: int, eps: float) -> Tensor:
    """Edge-preserving smoothing: in every window, a linear fit of the source to the guide, channel by channel.

    He, Sun and Tang, "Guided Image Filtering", ECCV 2010, eqs. 5, 6 and 8, each channel with its own guide as in the
    code of CTSS (`tools/guided_filter.py`) and White-box (`guided_filter.py`). O(pixels) time and memory;
    `source is guide` saves a third of the work. Computed in float32 at least.

    Args:
        guide: `(B, C, H, W)`, or a shape that broadcasts to it; any range.
        source: `(B, C, H, W)`, any range; the same tensor as `guide` for plain smoothing.
        radius: of the window, in pixels; 0 returns the source unchanged.
        eps: in squared units of the guide: windows with a much smaller variance are averaged, with a much larger one
            kept.

    Returns:
        `(B, C, H, W)` in the dtype of the source.
    """
    x = full_precision(guide)
    y = x if source is guide else full_precision(source)
    mean_x = box_mean(x, radius)
    mean_y = mean_x if y is x else box_mean(y, radius)
    variance = box_mean(x * x, radius) - mean_x * mean_x
    covariance = variance if y is x else box_mean(x * y, radius) - mean_x * mean_y
    slope = covariance / (variance + eps)
    intercept = mean_y - slope * mean_x
    return (box_mean(slope, radius) * x + box_mean(intercept, radius)).to(source.dtype)


def min_max(values: Tensor, dim: int | tuple[int, ...], eps: float = 0.0) -> Tensor:
    """Stretch to [0, 1]: (values - min) / (max - min + eps), with the minimum and the maximum over `dim`.

    Where all values over `dim` are equal the result is 0, also with `eps = 0`; but only a positive `eps` gives a finite
    gradient there.

    Args:
        values: any shape and range, floating point.
        dim: one or several dimensions.
        eps: in units of the values.

    Returns:
        The shape and dtype of the values.
    """
    low, high = values.amin(dim, keepdim=True), values.amax(dim, keepdim=True)
    tiny = torch.finfo(values.dtype).tiny
    return (values - low) / (high - low + eps).clamp_min(tiny)


def luminance(images: Tensor) -> Tensor:
    """0.299 R + 0.587 G + 0.114 B (ITU-R BT.601): `(B, 3, H, W)` -> `(B, 1, H, W)`, any range, kept.

    Raises:
        ValueError: if there are not 3 channels.
    """
    red, green, blue = images.unbind(dim=1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def rgb_to_yuv(images: Tensor) -> Tensor:
    """RGB in [-1, 1] to YUV: Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615]; `(B, 3, H, W)` both.

    The matrix of ITU-R BT.601 with the eight digits of `tf.image.rgb_to_yuv`, applied to (x + 1) / 2 as in the colour
    loss of CTSS and AnimeGAN (`tools/ops.py`).

    Raises:
        ValueError: if there are not 3 channels.
    """
    red, green, blue = ((images + 1) / 2).unbind(dim=1)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    u = -0.14714119 * red - 0.28886916 * green + 0.43601035 * blue
    v = 0.61497538 * red - 0.51496512 * green - 0.10001026 * blue
    return torch.stack([y, u, v], dim=1)
