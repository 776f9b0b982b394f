"""The moving average has the bits of torch's own, and continues from a checkpoint."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from toonlab.engine.average import MovingAverage


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))  # floating-point buffers, and a counter


def changed(net: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            tensor.copy_(tensor + torch.randn(tensor.shape) if tensor.is_floating_point() else tensor + 7)


def bits(net: nn.Module) -> list[torch.Tensor]:
    return [tensor.detach().clone() for tensor in (*net.parameters(), *net.buffers())]


def test_the_bits_of_torchs_own() -> None:
    trained, decay = network(), 0.97
    ours = MovingAverage(trained, decay)
    theirs = AveragedModel(trained, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
    for seed in range(5):
        changed(trained, seed)
        ours.update(trained)
        theirs.update_parameters(trained)
        assert all(torch.equal(a, b) for a, b in zip(bits(ours.module), bits(theirs.module), strict=True))
    assert not torch.equal(ours.module[0].weight, trained[0].weight)  # type: ignore[index]


def test_it_continues_where_it_was() -> None:
    trained = network()
    whole, second = MovingAverage(trained, 0.9), MovingAverage(network(), 0.9)
    whole.update(trained)
    second.load_state_dict(whole.state_dict())
    changed(trained, 1)
    for average in (whole, second):
        average.update(trained)
    assert all(torch.equal(a, b) for a, b in zip(bits(whole.module), bits(second.module), strict=True))
    assert not torch.equal(second.module[0].weight, trained[0].weight)  # type: ignore[index]  # no first update again
