"""The size that fits is measured, not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import discover
from toonlab.images.io import fitted
from toonlab.inference import memory
from toonlab.inference.memory import PROBE, Room, available, bytes_per_pixel, largest_side, padded_pixels, peak_bytes

CPU = torch.device("cpu")


class Copies(nn.Module):
    """Holds so many copies of the photo at once: 12 bytes per pixel each, and a scratch one inside of an operator."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, photo: Tensor) -> Tensor:
        held = [photo + i for i in range(self.count)]
        return torch.stack(held).mean(0)  # stack: as many again; the mean: one


@pytest.mark.parametrize("count", [1, 5, 20])
def test_peak_memory_is_measured(count: int):
    measured = bytes_per_pixel(Copies(count), CPU)
    photo_and_clamped = 2
    assert measured == pytest.approx(12 * (2 * count + 1), abs=12 * photo_and_clamped + 1)


def test_what_an_earlier_measurement_left_alive_is_not_counted():
    held: list[Tensor] = []
    left = peak_bytes(lambda: held.append(torch.zeros(1000, 1000)), CPU)
    assert left == pytest.approx(4_000_000, rel=0.01)
    assert peak_bytes(lambda: torch.zeros(100, 1000), CPU) == pytest.approx(400_000, rel=0.01)


def test_peak_memory_of_a_generator_is_proportional_to_pixels_and_leaves_it_as_it_was(monkeypatch):
    generator = discover().make("generators", "ctss_unet", width=8).train()
    measured = bytes_per_pixel(generator, CPU)
    assert generator.training
    monkeypatch.setattr(memory, "PROBE", 128)
    assert bytes_per_pixel(generator, CPU) == pytest.approx(measured, rel=0.05)


def test_room_is_shared_among_pictures_of_one_size():
    room = Room(Copies(5), CPU, memory=100_000_000)
    one = room.pixel * 1000 * 500
    assert room.pictures(500, 1000) == int(100_000_000 / one)
    assert room.pictures(PROBE, PROBE) > 1000  # so small that nothing is measured
    assert room.pictures(20_000, 20_000) == 0


def test_a_refusal_names_the_largest_size_that_fits():
    room = Room(Copies(5), CPU, memory=2**27)
    text = room.refusal(3000, 4000)
    side = int(text.rpartition("--max-side ")[2])
    assert text.startswith("4000x3000 pixels need about ")
    assert "and 0.125 GiB can be had" in text
    assert f"the largest size that fits is {side}x{round(side * 0.75)}: " in text
    assert room.pictures(round(side * 0.75), side) == 1
    assert room.pictures(round((side + 4) * 0.75), side + 4) == 0


def test_what_ran_out_of_memory_is_halved():
    assert (
        Room(Copies(1), CPU).overflow(1000, 1000)
        == "1000x1000 pixels took more memory than there is; try --max-side 707"
    )


def test_nothing_is_refused_where_memory_is_unknown():
    room = Room(Copies(1), CPU, memory=1)
    room.__dict__["pixel"] = 0.0  # it could not be measured
    assert room.pictures(10_000, 10_000) > 0


@given(st.integers(400, 5000), st.integers(400, 5000), st.floats(0.1, 0.99), st.sampled_from([1, 4, 32]))
def test_the_largest_side_fits_and_a_larger_one_does_not(height: int, width: int, share: float, multiple: int):
    pixels = int(share * padded_pixels(width, height, multiple))
    side = largest_side(height, width, pixels, multiple)
    assert padded_pixels(*fitted(width, height, side), multiple) <= pixels
    larger = int(side * 1.02) + 2 * multiple
    assert padded_pixels(*fitted(width, height, larger), multiple) > pixels


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="only Linux tells how much memory is free")
def test_free_memory_is_some_of_the_machines():
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = available(CPU)
    assert free is not None
    assert 0 < free < int(lines["MemTotal"].split()[0]) * 1024
