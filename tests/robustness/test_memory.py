"""Memory does not grow with the number of steps and cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
from test_damaged_files import RECIPE
from test_faults import WORLD

import toonlab
from toonlab.engine.train import train
from toonlab.recipes.load import from_data

MOST = 16 * 2**20  # bytes: allocators keep some


class Memory:
    """Notes the memory of this process every hundred steps."""

    def __init__(self) -> None:
        self.at: dict[int, int] = {}

    @toonlab.hookimpl
    def on_step_end(self, step: int) -> None:
        if step % 100 == 0:
            self.at[step] = psutil.Process().memory_info().rss


def test_600_steps_take_the_memory_of_200(tmp_path: Path) -> None:
    catalogue, memory = toonlab.discover(), Memory()
    every = {"evaluate_every": 50, "checkpoint_every": 50, "keep_checkpoints": 2}
    recipe = from_data({**RECIPE, "observers": {}, "train": {**RECIPE["train"], "steps": 600, **every}}, "x", catalogue)
    train(recipe, catalogue, tmp_path, distributed="cpu", listeners={"memory": memory})
    assert len(memory.at) == 6
    assert memory.at[600] - memory.at[200] < MOST, memory.at


def test_20_cells_take_the_memory_of_five(tmp_path: Path, toonlab: Any, until: Any) -> None:
    """In the driver and in the process that cells are forked from; each cell has a process of its own."""
    (tmp_path / "world.yaml").write_text(WORLD)
    (tmp_path / "twenty.yaml").write_text("recipes: [identity]\nat: world.yaml\nseeds: 20\n")
    driver = toonlab("compare", "twenty.yaml", "--device", "cpu")

    def memory(cells: int) -> int:
        until(lambda: len([*tmp_path.glob("runs/twenty/*/outcome.json")]) >= cells or not driver.running)
        assert driver.running, driver.stderr
        program = psutil.Process(driver.pid)
        return sum(process.memory_info().rss for process in (program, *program.children()))

    early, late = memory(5), memory(19)
    assert late - early < MOST, (early, late)
    assert driver.wait() == 0, driver.stderr
