"""Where a network is cut: once for each norm in a row, and nowhere without norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from toonlab import discover
from toonlab.inference.strips.graph import NeedsWholeError, shape_of
from toonlab.inference.strips.network import Network
from toonlab.inference.strips.stage import Source

CPU = torch.device("cpu")


def recorded(name: str) -> Network:
    return Network(discover().make("generators", name, width=2).eval(), 3000, 4000, CPU)


@pytest.mark.parametrize(("name", "stages"), [("whitebox_unet", 1), ("cartoongan", 22), ("animegan", 39)])
def test_there_is_a_stage_for_each_norm_in_a_row_and_one_more(name: str, stages: int) -> None:
    """AnimeGAN has 40 norms, twice two in parallel; that it subtracts a mean before each takes no further stage."""
    assert len(recorded(name).stages) == stages


def test_a_map_is_stored_once_and_normalised_when_it_is_read() -> None:
    network = recorded("cartoongan")
    assert [len(stage.stored) for stage in network.stages[:3]] == [1, 1, 1]
    assert network.stages[0].stored == network.stages[0].measured
    for stage in network.stages[1:]:
        sources = [each.node for each in stage.operators if isinstance(each, Source)]
        assert 1 <= len(sources) <= 2  # the last norm's map, and what a residual block adds


def test_nothing_is_computed_or_allocated_to_record_a_network_at_its_size() -> None:
    network = recorded("ctss_unet")
    assert shape_of(network.output) == (1, 3, 3000, 4000)
    assert sum(tensor.numel() for tensor in network.constants.known.values()) < 20_000


def test_a_network_that_raises_is_told() -> None:
    class Refuses(nn.Module):
        def forward(self, photo: torch.Tensor) -> torch.Tensor:
            raise ValueError("photos must be square\nreally")

    with pytest.raises(NeedsWholeError, match="can't be recorded: photos must be square"):
        Network(Refuses(), 30, 40, CPU)
