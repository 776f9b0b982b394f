"""The sampler `example`: the patches of every image that have the most contrast."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor

from toonlab import SamplerFactory, Tunable, Views, check_images, hookimpl
from toonlab.ops.filters import box_mean, luminance
from toonlab.ops.patch_grid import Grid, best, cut


@dataclass(frozen=True)
class ExampleSampler:
    """The `k` patches of every image with the most contrast, of a regular grid.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, image by image, best first. Gradients reach the
    pixels of the patches, and do not flow through the choice.

    Args:
        patch_size: side of a patch in pixels.
        stride: distance of neighbouring candidates in patch sizes.
        k: patches per image.

    Raises:
        PartError: when called with images that a patch does not fit, or that have fewer than `k` candidates.
    """

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=16)] = 96
    stride: Annotated[float, Field(gt=0, le=1), Tunable(0.25, 1, step=0.25)] = 0.5
    k: Annotated[int, Field(gt=0), Tunable(1, 8)] = 4

    def __call__(self, views: Views) -> Views:
        return cut(views, self.choose(views.real), self.choose(views.fake), self.patch_size)

    def choose(self, images: Tensor) -> Tensor:
        """Boxes of the best patches, `(B*k, 5)`."""
        grid = Grid.of(images, self.patch_size, self.stride)
        grid.check("example", self.k)
        scores = grid.sums(self.saliency(images.detach()))  # (B, candidates)
        return grid.boxes(best(scores, self.k))

    def saliency(self, images: Tensor) -> Tensor:
        """What patches are scored on: the deviation of luminance in 5x5 squares, `(B, 3, H, W)` -> `(B, H, W)`.

        `toonlab inspect` draws it. It is the place for an idea of one's own.
        """
        check_images(images, "example", channels=3)
        gray = luminance(images.float())  # (B, 1, H, W)
        variance = box_mean(gray.square(), 2) - box_mean(gray, 2).square()
        return variance.clamp_min(0).sqrt()[:, 0]


@hookimpl
def register_samplers() -> Mapping[str, SamplerFactory]:
    return {"example": ExampleSampler}
