"""A study of tiny runs that have really been trained, and its app in a process whose network is closed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toonlab import discover
from toonlab.engine.train import train
from toonlab.recipes.load import load
from toonlab.studies.results.results import CellResult, StudyResults, Variant

PATCHES = """\
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 2}
features: {use: random, width: 4, depth: 2}
generator:
  network: {use: ctss_plain, width: 2}
  losses: {content: {}}
critics:
  image: {discriminator: {use: ctss_image, width: 2}, objective: lsgan}
  patch:
    sampler: {use: ctss, patch_size: 16, k: 2}
    representation: gray_minmax
    discriminator: {use: ctss_patch, width: 2}
    objective: lsgan
train: {size: 32, batch: 2, steps: 2}
evaluate: {metrics: [lines], samples: 2, grid: 2}
stages: [{share: 1}]
observers: null
"""
DATA, TRAIN = PATCHES.splitlines()[0], "\n".join(PATCHES.splitlines()[-4:-2])
RECIPES = {
    "untouched": f"{DATA}\ngenerator: {{network: identity}}\n{TRAIN}\nobservers: null\n",
    "classic": f"{DATA}\ngenerator: {{network: classic}}\n{TRAIN}\nobservers: null\n",
    "patches": PATCHES,
}
CLOSED = """\
import os, sys

def closed(event, arguments):
    asked = None
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        asked = arguments[1][0]
    if event == "socket.getaddrinfo":
        asked = arguments[0]
    if asked not in (None, "127.0.0.1", "localhost"):
        os.write(2, f"asks for {asked}\\n".encode())
        os._exit(9)

sys.addaudithook(closed)
from toonlab.cli.app import main
main()
"""


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, cache: None) -> Path:
    """The folder of a study, `study`: two methods, the identity, and one whose run has failed."""
    folder, catalogue, cells = tmp_path_factory.mktemp("app"), discover(), list[CellResult]()
    for name, text in RECIPES.items():
        (folder / f"{name}.yaml").write_text(text)
        trained = train(load(folder / f"{name}.yaml", catalogue, []), catalogue, folder / "runs", "study", "cpu")
        outcome = trained.outcome.to_json()
        cells.append(CellResult(Variant(name), 0, trained.run.name, "finished", outcome=outcome))
    cells.append(CellResult(Variant("gone"), 0, "gone-s0-00000000", "failed", "loss is nan"))
    StudyResults("study", folder / "runs" / "study", cells, metrics=["lines"], higher={"lines": True}).write()
    return folder / "runs"


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG file, 96x64 pixels: a dark disk on a light ground."""
    rows, columns = np.mgrid[:64, :96]
    disk = (rows - 32) ** 2 + (columns - 30) ** 2 < 400
    pixels = np.where(disk[..., None], (40, 60, 160), (230, 220, 200)).astype(np.uint8)
    path = tmp_path_factory.mktemp("photos") / "disk.jpg"
    Image.fromarray(pixels).save(path, quality=95)
    return path


class App:
    """`toonlab app …` in a process that may connect to nothing but 127.0.0.1."""

    def __init__(self, *arguments: str | Path, temporary: Path) -> None:
        words = [sys.executable, "-c", CLOSED, "app", *map(str, arguments), "--port", "0"]
        environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(words, env=environment, text=True, **pipes)
        assert self.process.stdout is not None
        self.told = self.process.stdout.readline()
        found = re.match(r"http://127\.0\.0\.1:\d+/", self.told)
        assert found, self.process.communicate()[1]
        self.address = found[0]

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """The exit code and the standard error stream."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        errors = self.process.communicate(timeout=60)[1]
        return self.process.returncode, errors


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., App]]:
    started = list[App]()

    def starts(*arguments: str | Path, temporary: Path) -> App:
        started.append(App(*arguments, temporary=temporary))
        return started[-1]

    yield starts
    for each in started:
        each.end()


@pytest.fixture(scope="session")
def serving(runs: Path, start: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> App:
    return start("study", "--runs", runs, "--max-mb", "1", temporary=tmp_path_factory.mktemp("temporary"))
