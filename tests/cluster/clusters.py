"""Real schedulers and stock workers of Dask, as processes; and what a study has left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from safetensors.torch import load_file

from toonlab.studies.results.results import StudyResults

RECIPE = """\
about: one small critic
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}
features: {use: random, width: 4, depth: 2}
generator:
  network: {use: ctss_plain, width: 2}
  losses: {content: {weight: 1.5}}
critics:
  patch:
    sampler: {use: ctss, patch_size: 16, k: 2}
    representation: gray_minmax
    discriminator: {use: ctss_patch, width: 2}
    objective: lsgan
train: {size: 32, batch: 2, steps: 12, log_every: 4, checkpoint_every: 4}
evaluate: {metrics: [lines, psnr], samples: 2, grid: 1}
observers: {mlflow: {}}
"""
STUDIES = {
    "forty": """\
about: forty short cells
recipes: [narrow]
factors: {critics.patch.sampler.k: [1, 2]}
seeds: 20
metrics: {primary: lines, also: [psnr]}
""",
    "twelve": """\
about: twelve short cells
recipes: [narrow]
factors: {critics.patch.sampler.k: [1, 2]}
seeds: 6
metrics: {primary: lines, also: [psnr]}
""",
    "six": """\
about: six short cells, without a tracker
recipes: [narrow]
set: {train.steps: 10, observers: null}
factors: {critics.patch.sampler.k: [1, 2]}
seeds: 3
metrics: {primary: lines, also: [psnr]}
""",
    "patches": """\
about: a search that prunes
recipe: narrow
set: {train.steps: 12, train.evaluate_every: 3, train.checkpoint_every: 3, observers: null}
search:
  critics.patch.sampler.patch_size: [12, 16, 20, 24]
  critics.patch.sampler.k: {low: 1, high: 3}
  generator.losses.content.weight: {low: 0.5, high: 5}
objective: {metric: psnr, direction: maximize}
pruner: median
trials: 10
seeds_per_trial: 2
confirm: {top: 1, seeds: 1}
""",
    "pair": """\
about: a search over two recipes, with its control
recipes: [narrow, wide]
set: {train.steps: 12, train.evaluate_every: 3, train.checkpoint_every: 3, observers: null}
search: auto
objective: {metric: psnr, direction: maximize}
control: random
budget: {trials: 3}
seeds_per_trial: 2
confirm: {seeds: 1}
""",
}
PROGRAMS = {name: [sys.executable, "-m", f"distributed.cli.dask_{name}"] for name in ("scheduler", "worker")}


class Program:
    """A process in a session of its own, with its output in a file."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("a") as file:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def text(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        """Kill it with all that it has started, as if its machine had failed."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


class Cluster:
    """A scheduler and stock workers on this machine.

    Args:
        folder: of their logs and local directories.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.programs: list[Program] = []
        self.workers: dict[str, Program] = {}

    def start_scheduler(self) -> Program:
        """Also again, at the same address."""
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._start("scheduler", where, "scheduler.log")
        return self.scheduler

    def start_worker(
        self, name: str, *options: str, resources: str = "slot=1", environment: Mapping[str, str] | None = None
    ) -> Program:
        """A stock worker, with its nanny."""
        given = [self.address, "--name", name, "--nthreads", "1", "--no-dashboard", "--local-directory", "."]
        given += [*(["--resources", resources] if resources else []), *options]
        self.workers[name] = self._start("worker", given, f"{name}.log", environment)
        return self.workers[name]

    def _start(
        self, kind: str, options: Sequence[str], log: str, environment: Mapping[str, str] | None = None
    ) -> Program:
        program = Program([*PROGRAMS[kind], *options], self.folder / log, self.folder, environment)
        self.programs.append(program)
        return program

    def close(self) -> None:
        for program in self.programs:
            program.kill()


def worker_process(nanny: Program) -> int:
    """The process number of the worker that a nanny looks after: the one that has toonlab's processes as children."""
    (worker,) = [
        child
        for child in psutil.Process(nanny.process.pid).children()
        if "resource_tracker" not in " ".join(child.cmdline())
    ]
    return worker.pid


# -- studies


def write_studies(folder: Path) -> None:
    """Write the recipe and all studies into a folder."""
    (folder / "narrow.yaml").write_text(RECIPE)
    (folder / "wide.yaml").write_text("extends: narrow\ngenerator: {network: {width: 3}}\n")
    for name, text in STUDIES.items():
        (folder / f"{name}.yaml").write_text(text)


def numbers(directory: Path) -> dict[str, dict[str, float]]:
    """The measured numbers of all cells, by run; no times. Every cell is in the results once."""
    results = StudyResults.read(directory)
    assert [(cell.run, cell.status, cell.reason) for cell in results.cells if cell.status != "finished"] == []
    assert len({cell.run for cell in results.cells}) == len(results.cells)
    return {cell.run: {name: cell.values[name] for name in ("lines", "psnr")} for cell in results.cells}


def weights(directory: Path) -> dict[str, dict[str, bytes]]:
    """The bytes of every tensor of the final generators, by run; interrupted runs have further checkpoints."""
    last = {path.parents[2].name: path for path in sorted(directory.glob("*/checkpoints/*/generator.safetensors"))}
    return {
        run: {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()} for run, path in last.items()
    }


def said(driver: Any) -> str:
    """The messages of a command that has just been started."""
    return driver.stderr if driver.outputs[1].exists() else ""


def while_running(driver: Any, condition: Callable[[], object], seconds: float = 900) -> None:
    """Wait for a condition that comes true before a driver ends."""
    end = time.monotonic() + seconds
    while not condition():
        assert driver.running, f"the driver has ended: {said(driver)}"
        assert time.monotonic() < end, f"waited in vain: {said(driver)}"
        time.sleep(0.05)


def finished(driver: Any) -> list[str]:
    """The labels of the cells that finished, from a driver's lines: `[3/40] ctss, seed 2: finished in …`.

    A cell has finished before if its worker was lost when it had finished and before the driver knew.
    """
    return re.findall(r"^\[\d+/\d+\] (.*): finished (?:in|before)", said(driver), re.MULTILINE)


def trials(directory: Path) -> list[Any]:
    """What a search tried, in its order, with all its values."""
    search = StudyResults.read(directory).search
    assert search is not None
    return [replace(trial, seconds=None) for trial in search.trials]
