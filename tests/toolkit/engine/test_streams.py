"""Streams are made once, when they are asked for, from what they are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from toonlab.engine.streams import Streams, StreamSource
from toonlab.types import Batch

ONE, TWO = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
SOURCES = {"cycle": StreamSource(TWO, "fake"), "fake": StreamSource(ONE, "photo"), "back": StreamSource(TWO, "cartoon")}


def made(learning: bool = True) -> tuple[Streams, list[nn.Module]]:
    calls: list[nn.Module] = []

    def run(net: nn.Module, images: Tensor) -> Tensor:
        calls.append(net)
        out: Tensor = net(images)
        return out

    return Streams(Batch(torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)), SOURCES, run, learning), calls


def test_a_stream_is_made_once_with_all_that_it_is_made_of_and_nothing_else() -> None:
    streams, calls = made()
    cycle = streams["cycle"]
    assert calls == [ONE, TWO]
    assert streams["cycle"] is cycle
    assert torch.equal(cycle, TWO(ONE(streams.batch.photo)))
    assert torch.equal(streams["fake"], ONE(streams["photo"]))
    assert len(calls) == 2


def test_all_are_named() -> None:
    streams, calls = made()
    assert list(streams) == ["photo", "cartoon", "cycle", "fake", "back"]
    assert len(streams) == 5
    assert calls == []


def test_the_origin_is_what_a_stream_is_made_from() -> None:
    streams, _ = made()
    assert streams.origin("cycle") is streams["fake"]
    assert streams.origin("back") is streams.batch.cartoon
    assert streams.origin("photo") is streams.batch.photo


def test_gradients_are_recorded_only_where_something_learns_whatever_the_caller_does() -> None:
    streams, _ = made(learning=False)
    assert not streams["cycle"].requires_grad
    streams, _ = made()
    with torch.no_grad():
        assert streams["cycle"].requires_grad
