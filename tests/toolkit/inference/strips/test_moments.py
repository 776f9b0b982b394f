"""Statistics of strips are those of the whole map."""

from __future__ import annotations

import pytest
import torch

from toonlab.inference.strips.moments import Moments


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_strips_of_any_height_add_up(offset: float) -> None:
    values = torch.rand(1, 4, 50, 31, generator=torch.Generator().manual_seed(0)) + offset
    moments = Moments()
    for strip in values.split([1, 7, 30, 12], dim=2):
        moments.add(strip)
    exact = values.double()
    for groups in (1, 2, 4):
        grouped = exact.view(groups, -1)
        mean, variance = moments.of_groups(groups)
        assert torch.allclose(mean[:: 4 // groups], grouped.mean(1), rtol=1e-7)
        assert torch.allclose(variance[:: 4 // groups], grouped.var(1, correction=0), rtol=1e-4)


def test_a_number_less_for_each_channel_moves_the_mean_alone() -> None:
    moments, less = Moments(), torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
    values = torch.rand(1, 2, 5, 5)
    moments.add(values)
    mean, variance = moments.shifted(less).of_groups(2)
    assert torch.allclose(mean, (values - less).double().mean((0, 2, 3)))
    assert torch.equal(variance, moments.of_groups(2)[1])
