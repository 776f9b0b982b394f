"""The discriminator `example`: a small network that judges overlapping patches."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from toonlab import DiscriminatorFactory, PartError, hookimpl


class ExampleDiscriminator(nn.Module):
    """Three convolutions with spectral norm and a fourth that answers: `(B, in_channels, H, W)` -> logits.

    Logits are `(B, 1, H/4, W/4)`, sides rounded up; each judges 22x22 pixels. Raises `PartError` for sides below 8.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution; cost grows with its square.
    """

    def __init__(self, in_channels: Annotated[int, Field(gt=0)], width: Annotated[int, Field(gt=0)] = 32) -> None:
        super().__init__()
        widths = [in_channels, width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip(widths, widths[1:], [2, 2, 1], strict=False):
            convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
            layers += [spectral_norm(convolution), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, view: Tensor) -> Tensor:
        height, width = view.shape[-2:]
        if min(height, width) < 8:
            raise PartError(f"example: a view's sides must be at least 8, got {width}x{height}")
        return self.layers(view)


@hookimpl
def register_discriminators() -> Mapping[str, DiscriminatorFactory]:
    return {"example": ExampleDiscriminator}
