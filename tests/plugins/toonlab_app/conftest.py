"""A study of tiny runs that have really been trained, and its app in a process whose network is closed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

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
SECONDS = 60_000  # in milliseconds: as long as a busy machine may take
OF_GRADIO = {  # violations in gradio's own markup, which no label or style of ours changes
    "aria-prohibited-attr",  # the placeholder of an empty picture is a div with a label and no role
    "nested-interactive",  # its message that the browser can't play a clip is a button with a button in it
    "image-redundant-alt",  # a picture of a gallery has its caption as its alternative text, too
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


@pytest.fixture
def tab(serving: App, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, of a width; it may ask nothing of any other machine."""
    context = browser.new_context(viewport={"width": getattr(request, "param", 1280), "height": 900})
    page, elsewhere, refused = context.new_page(), list[str](), list[str]()
    page.on("request", lambda r: urlsplit(r.url).hostname in ("127.0.0.1", None) or elsewhere.append(r.url))
    page.on("response", lambda r: r.status < 400 or refused.append(r.url))
    page.goto(serving.address)
    expect(page.get_by_text("Choose a photo to begin.")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Loading...")).to_have_count(0, timeout=SECONDS)
    yield page
    assert elsewhere == []
    assert refused == []
    context.close()


def give(tab: Page, path: Path, kind: str = "image") -> None:
    """Upload a file to the first element that takes such files."""
    tab.locator(f"input[type=file][accept*={kind}]").first.set_input_files(path)


def open_tab(page: Page, name: str) -> None:
    """Open a tab of the page, also one that a narrow page has behind its button."""
    tab = page.get_by_role("tab", name=name)
    more = page.locator(".overflow-menu > button")
    expect(tab.or_(more).first).to_be_visible(timeout=SECONDS)
    if not tab.is_visible():
        more.click()
        page.locator(".overflow-dropdown").get_by_text(name).click()
    else:
        tab.click()


def violations(tab: Page) -> list[str]:
    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["id"] not in OF_GRADIO]
