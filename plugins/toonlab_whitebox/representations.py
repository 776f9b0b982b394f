"""White-box's representations: smooth surfaces without texture, and texture without colour."""

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from toonlab import PartError, Tunable, Views
from toonlab.ops.checks import generator_of
from toonlab.ops.filters import guided_filter


@dataclass(frozen=True)
class Surface:
    """Smooth surfaces: a self-guided filter, which keeps edges and removes fine texture.

    Wang and Yu, "Learning to Cartoonize Using White-box Cartoon Representations", CVPR 2020, section 3.1; `blur_fake`
    in their code (`train_code/train.py`). `(N, C, H, W)` in any range -> the same shape and range.

    Args:
        radius: of the filter's window, in pixels.
        eps: in squared units of the view; windows with a smaller variance are smoothed.
    """

    radius: Annotated[int, Field(gt=0), Tunable(1, 10)] = 5
    eps: Annotated[float, Field(gt=0), Tunable(1e-2, 1, log=True)] = 0.2

    def __call__(self, views: Views) -> Views:
        return replace(views, real=self._smooth(views.real), fake=self._smooth(views.fake))

    def _smooth(self, images: Tensor) -> Tensor:
        return guided_filter(images, images, self.radius, self.eps)


@dataclass(frozen=True)
class Texture:
    """Texture without colour and luminance: a random weighted mean of the channels, one for real and fake alike.

    Wang and Yu, CVPR 2020, section 3.3, eq. 5; `color_shift` in their code (`train_code/utils.py`):
    (r R + g G + b B) / (r + g + b) with r, g and b uniform around 0.299, 0.587 and 0.114. `(N, 3, H, W)` ->
    `(N, 1, H, W)` in the same value range; a view of one channel stays as it is. Raises `PartError` for other numbers
    of channels, and for views without a context to draw from.

    Args:
        spread: the largest deviation of each weight from its mean; 0 gives the luminance.
    """

    spread: Annotated[float, Field(ge=0, lt=0.114)] = 0.1

    def __call__(self, views: Views) -> Views:
        weights = self.weights(views)
        return replace(views, real=shift_color(views.real, weights), fake=shift_color(views.fake, weights))

    def weights(self, views: Views) -> Tensor:
        """Red, green and blue of this step: `(3,)`, adding up to 1."""
        offsets = 2 * torch.rand(3, generator=generator_of(views, "texture")) - 1
        weights = torch.tensor([0.299, 0.587, 0.114]) + self.spread * offsets
        return weights / weights.sum()


def shift_color(images: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of the channels: `(N, 3, H, W)` and `(3,)`, red first -> `(N, 1, H, W)`; one channel stays."""
    if images.shape[1] == 1:
        return images
    if images.shape[1] != 3:
        raise PartError(f"texture: expected (N, 3, H, W) or (N, 1, H, W), got {tuple(images.shape)}")
    weights = weights.to(images, non_blocking=True)
    red, green, blue = images.unbind(dim=1)
    return (weights[0] * red + weights[1] * green + weights[2] * blue).unsqueeze(1)
