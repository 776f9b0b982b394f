"""The size that fits is measured, not guessed."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import discover
from toonlab.images.io import fitted
from toonlab.inference import memory
from toonlab.inference.memory import (
    PROBE,
    MemoryBudget,
    free_memory,
    largest_side,
    peak_bytes,
)

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
    measured = MemoryBudget(Copies(count), CPU).bytes_per_pixel
    photo_and_clamped = 2
    assert measured == pytest.approx(12 * (2 * count + 1), abs=12 * photo_and_clamped + 1)


def test_what_an_earlier_measurement_left_alive_is_not_counted():
    held: list[Tensor] = []
    left = peak_bytes(lambda: held.append(torch.zeros(1000, 1000)), CPU)
    assert left == pytest.approx(4_000_000, rel=0.01)
    assert peak_bytes(lambda: torch.zeros(100, 1000), CPU) == pytest.approx(400_000, rel=0.01)


def test_peak_memory_of_a_generator_is_proportional_to_pixels_and_leaves_it_as_it_was(monkeypatch):
    generator = discover().make("generators", "ctss_unet", width=8).train()
    measured = MemoryBudget(generator, CPU).bytes_per_pixel
    assert generator.training
    monkeypatch.setattr(memory, "PROBE", 128)
    assert MemoryBudget(generator, CPU).bytes_per_pixel == pytest.approx(measured, rel=0.05)


def test_room_is_shared_among_pictures_of_one_size():
    budget = MemoryBudget(Copies(5), CPU, limit=100_000_000)
    one = budget.bytes_per_pixel * 1000 * 500
    assert budget.pictures(500, 1000) == int(100_000_000 / one)
    assert budget.pictures(PROBE, PROBE) > 1000  # so small that nothing is measured
    assert budget.pictures(20_000, 20_000) == 0


def test_a_refusal_names_the_largest_size_that_fits():
    budget = MemoryBudget(Copies(5), CPU, limit=2**27)
    text = budget.refusal(3000, 4000)
    side = int(text.rpartition("--max-side ")[2])
    assert text.startswith("4000x3000 pixels need about ")
    assert "and 0.125 GiB can be had" in text
    assert f"the largest size that fits is {side}x{round(side * 0.75)}: " in text
    assert budget.pictures(round(side * 0.75), side) == 1
    assert budget.pictures(round((side + 4) * 0.75), side + 4) == 0


def test_what_ran_out_of_memory_is_halved():
    assert (
        MemoryBudget(Copies(1), CPU).failure(torch.OutOfMemoryError(), 1000, 1000)
        == "1000x1000 pixels took more memory than there is; try --max-side 707"
    )


def test_nothing_is_refused_where_the_need_is_unknown():
    class Photo(nn.Module):
        """Allocates nothing."""

        def forward(self, photo: Tensor) -> Tensor:
            return photo

    budget = MemoryBudget(Photo(), CPU, limit=1)
    budget.bytes_per_pixel = 0.0  # not measurable
    assert budget.pictures(10_000, 10_000) > 0


def test_memory_that_is_freed_on_the_way_counts_at_its_peak():
    def work():
        for _ in range(3):
            torch.zeros(250_000)

    assert peak_bytes(work, CPU) == pytest.approx(1_000_000, rel=0.01)


@given(st.integers(400, 5000), st.integers(400, 5000), st.floats(0.1, 0.99), st.sampled_from([1, 4, 32]))
def test_the_largest_side_fits_and_a_larger_one_does_not(height: int, width: int, share: float, multiple: int):
    generator = nn.Identity()
    generator.side_multiple = multiple
    padded = MemoryBudget(generator, CPU).padded
    pixels = int(share * padded(width, height))
    side = largest_side(height, width, pixels, padded)
    assert padded(*fitted(width, height, side)) <= pixels
    larger = int(side * 1.02) + 2 * multiple
    assert padded(*fitted(width, height, larger)) > pixels


def test_free_memory_is_less_than_the_machine_has():
    assert 0 < free_memory(CPU) < psutil.virtual_memory().total


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "memory.max").write_text("4000000\n")
    (tmp_path / "memory.current").write_text("1500000\n")
    (tmp_path / "memory.stat").write_text("anon 900000\ninactive_file 500000\n")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert free_memory(CPU) == 4_000_000 - 1_500_000 + 500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(CPU) > 3_000_000
