"""The generator `example`: a small network that adds a change to the photo."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from toonlab import GeneratorFactory, PartError, hookimpl


class ExampleGenerator(nn.Module):
    """Photo -> cartoon, `(B, 3, H, W)` in [-1, 1]: what has to change is computed at half the size, and added.

    It begins near the photo itself, since the last layer's weights are small. Raises `PartError` for odd sides.

    Args:
        width: channels; cost grows with its square.
        blocks: residual blocks.
    """

    side_multiple = 2  # of photos' sides; `toonlab cartoonize` pads them to it

    def __init__(self, width: Annotated[int, Field(gt=0)] = 32, blocks: Annotated[int, Field(gt=0)] = 4) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, width, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(_block(width) for _ in range(blocks))
        self.up = nn.Sequential(nn.Conv2d(width, 12, 3, padding=1), nn.PixelShuffle(2))
        nn.init.normal_(self.up[0].weight, std=0.01)  # type: ignore[arg-type]

    def forward(self, photo: Tensor) -> Tensor:
        height, width = photo.shape[-2:]
        if height % 2 or width % 2:
            raise PartError(f"example: sides must be multiples of 2, got {width}x{height}")
        features = self.down(photo)
        for block in self.blocks:
            features = features + block(features)
        # In float32: bf16 has fewer levels near -1 and 1 than a picture.
        return torch.tanh(torch.atanh(photo.float() * 0.99) + self.up(features).float())


def _block(width: int) -> nn.Module:
    return nn.Sequential(
        nn.GroupNorm(1, width),
        nn.Conv2d(width, width, 3, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
    )


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"example": ExampleGenerator}
