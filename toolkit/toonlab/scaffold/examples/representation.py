"""The representation `example`: lines alone, without colours and areas."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from toonlab import RepresentationFactory, Tunable, Views, check_images, hookimpl
from toonlab.ops.filters import luminance


@dataclass(frozen=True)
class ExampleRepresentation:
    """How steep the luminance is at each pixel, so that a critic judges lines and nothing else.

    `(N, 3, H, W)` in [-1, 1] -> `(N, 1, H, W)` in [0, 1]: the length of the gradient by differences of neighbours,
    through 1 - exp(-x / scale), so that faint lines count, too. Differentiable.

    Args:
        scale: the steepness that becomes 0.63; luminance from black to white is 2.
    """

    scale: Annotated[float, Field(gt=0), Tunable(0.05, 2, log=True)] = 0.3

    def __call__(self, views: Views) -> Views:
        return replace(views, real=self.lines(views.real), fake=self.lines(views.fake), value_range=(0.0, 1.0))

    def lines(self, images: Tensor) -> Tensor:
        check_images(images, "example", channels=3)
        gray = F.pad(luminance(images), (0, 1, 0, 1), mode="replicate")
        down = gray[..., 1:, :-1] - gray[..., :-1, :-1]
        right = gray[..., :-1, 1:] - gray[..., :-1, :-1]
        # The small number keeps the gradient finite where nothing changes.
        steepness = (down.square() + right.square() + 1e-6).sqrt()
        return 1 - torch.exp(-steepness / self.scale)


@hookimpl
def register_representations() -> Mapping[str, RepresentationFactory]:
    return {"example": ExampleRepresentation}
