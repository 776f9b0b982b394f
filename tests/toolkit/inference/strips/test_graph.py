"""Constants of a recorded network: small ones whole, a weight for every pixel in strips."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab.inference.strips import graph
from toonlab.inference.strips.network import Network


class Vignette(nn.Module):
    """Darker towards the bottom right."""

    def forward(self, photo: Tensor) -> Tensor:
        height, width = photo.shape[2:]
        return photo * (torch.linspace(1, 0.5, height)[:, None] * torch.linspace(1, 0.5, width)).sqrt()


@pytest.mark.parametrize("small", [0, 2**20])
def test_a_weight_for_every_pixel_is_the_same_in_strips(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "SMALL", small)
    network = Network(Vignette(), 30, 20, torch.device("cpu"))
    weight = next(node for node in network.output.all_input_nodes if node is not network.photo)
    expected = Vignette()(torch.ones(1, 3, 30, 20))[0, 0]
    strips = [network.constants.rows(weight, (first, first + 10), 30) for first in (0, 10, 20)]
    assert torch.allclose(torch.cat(strips), expected)
    assert (weight in network.constants.known) == (small > 0)


def test_nodes_tell_their_arguments_and_dimensions() -> None:
    network = Network(Vignette(), 30, 20, torch.device("cpu"))
    assert graph.arguments_of(network.output).keys() == {"input", "other"}
    assert graph.row_bytes(network.output) == 3 * 20 * 4
    assert graph.is_pointwise(network.output)
