from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab import Catalogue, PartError, RecipeError
from toonlab_lite0 import EfficientNetLite0


@pytest.fixture(scope="module")
def pictures(golden) -> Tensor:
    return torch.from_numpy(golden("inputs")["images_u8"][:8, ::2, ::2]).movedim(-1, 1) / 127.5 - 1


def test_the_default_blocks_are_on_the_scale_of_random_features(pictures: Tensor) -> None:
    """Unrelated pictures are as far apart as the docstring says, so a weight of the content loss stays suitable."""
    layers = EfficientNetLite0()(pictures)
    side = pictures.shape[-1]
    assert [layer.shape[1:] for layer in layers] == [(24, side // 4, side // 4), (40, side // 8, side // 8)]
    for layer in layers:
        assert 0.4 < (layer[:4] - layer[4:]).abs().mean() < 1


def test_one_block_gives_one_tensor(pictures: Tensor) -> None:
    one, several = EfficientNetLite0((4,))(pictures), EfficientNetLite0()(pictures)
    assert torch.equal(one, several[1])
    assert not any(parameter.requires_grad for parameter in EfficientNetLite0().parameters())


@pytest.mark.parametrize("layers", [(), (16,), (-1,), "4"])
def test_layers_that_there_are_not(catalogue: Catalogue, layers: object) -> None:
    with pytest.raises(RecipeError, match="layers"):
        catalogue.make("features", "efficientnet_lite0", layers=layers)


def test_needs_three_channels() -> None:
    with pytest.raises(PartError, match=r"efficientnet_lite0: expected \(B, 3, H, W\) float, got \(1, 1, 8, 8\)"):
        EfficientNetLite0()(torch.zeros(1, 1, 8, 8))
