"""The generator loss `example`: contours stay where they are in the photo."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from toonlab import GeneratorLossFactory, Step, hookimpl
from toonlab.ops.filters import luminance


@dataclass(frozen=True)
class ExampleLoss:
    """L1 distance between the luminance gradients of the fake and of its photo, mean over all pixels.

    The gradient is the difference of neighbours, downwards and to the right.
    """

    def __call__(self, step: Step) -> Tensor:
        change = luminance(step.fake) - luminance(step.batch.photo)  # (B, 1, H, W)
        return change.diff(dim=2).abs().mean() + change.diff(dim=3).abs().mean()


@hookimpl
def register_generator_losses() -> Mapping[str, GeneratorLossFactory]:
    return {"example": ExampleLoss}
