"""A page on this machine that follows a study while it runs: read from the study's files alone, and never written."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from toonlab.errors import ToonlabError
from toonlab.recipes.dotted_tree import DottedTree
from toonlab.runs.directory import read_outcome
from toonlab.studies.results.results import CellResult, StudyResults
from toonlab.utils import yaml
from toonlab.utils.text import duration, several

from . import TEMPLATE
from .charts.learning import learning_charts
from .findings import Findings
from .history import Records, by_step
from .page import key, templates
from .table import as_table

QUIET = 120.0  # seconds without a new line after which a run that has not ended counts as stopped
PICTURES = 2  # newest sample grids that are shown
HOST = "127.0.0.1"


@dataclass(frozen=True)
class LiveCell:
    """A cell as its run's directory tells: records of what was logged, and the number of steps, if it is known."""

    cell: CellResult
    records: Records
    steps: int | None

    @property
    def step(self) -> int:
        return int(self.records[-1]["step"]) if self.records else 0

    @property
    def text(self) -> str:
        """What its mark says: `ctss, seed 0: running, step 120 of 400, 0:30 left`."""
        parts = [str(self.cell.status)]
        if self.cell.status == "running" and self.records:
            parts += [f"step {self.step}" + (f" of {self.steps}" if self.steps else "")]
            first, last = self.records[0], self.records[-1]
            if self.steps and last["step"] > first["step"]:
                each = (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])
                parts += [f"{duration(each * max(0, self.steps - self.step))} left"]
        return f"{self.cell.label}: {', '.join(parts)}"


def live(results: StudyResults, now: float | None = None) -> Iterator[LiveCell]:
    """The cells of a study with the state that their directories have, which is ahead of the study's own file."""
    now = time.time() if now is None else now
    for cell in results.cells:
        directory = results.directory / cell.run
        metrics = directory / "metrics.jsonl"
        if not metrics.is_file():
            yield LiveCell(cell, [], None)
            continue
        outcome, steps = read_outcome(directory), _steps(directory)
        if outcome is None and cell.status in ("waiting", "running", "stopped"):
            cell = replace(cell, status="running" if now - metrics.stat().st_mtime < QUIET else "stopped")
        elif outcome is not None and cell.status in ("waiting", "running"):
            cell = replace(cell, status=outcome.status)
        yield LiveCell(cell, by_step(directory), steps)


def _steps(directory: Path) -> int | None:
    try:
        steps = DottedTree(yaml.load_file(directory / "recipe.yaml")).get("train.steps")
    except (ToonlabError, OSError):
        return None
    return steps if isinstance(steps, int) else None


def content(directory: Path) -> str:
    """The page's content as HTML: the marks of all cells, the table, learning curves, the newest samples."""
    results = StudyResults.read(directory)
    cells = list(live(results))
    counts = {status: sum(each.cell.status == status for each in cells) for status in ("finished", "running", "failed")}
    running = [
        each.cell if each.cell.status == "running" else cell for each, cell in zip(cells, results.cells, strict=True)
    ]
    found = Findings(replace(results, cells=running))
    runs = [(each.cell.variant.label, each.records) for each in cells if each.records]
    drawn = {label for label, records in runs if len(records) > 1}
    charts = list(learning_charts(found.labels, found.primary, runs)) if results.metrics else []
    context: dict[str, Any] = {
        "table": as_table(found).html() if results.metrics and found.finished else "",
        "learning": charts,
        "interactive": False,
        "series": [key(n, label) for n, label in enumerate(found.labels) if label in drawn],
        "summary": f"{counts['finished']} of {several(len(cells), 'run')} finished, {counts['running']} running"
        + (f", {counts['failed']} failed" if counts["failed"] else ""),
        "rows": _by_variant(cells),
        "samples": list(_samples(results)),
    }
    return templates().get_template("live.html.j2").render(context)


def _by_variant(cells: list[LiveCell]) -> Mapping[str, list[LiveCell]]:
    rows: dict[str, list[LiveCell]] = {}
    for each in cells:
        rows.setdefault(each.cell.variant.label, []).append(each)
    return rows


def _samples(results: StudyResults) -> Iterator[tuple[str, str]]:
    """The caption and the data URI of the newest sample grids, one of each run."""
    newest = []
    for cell in results.cells:
        grids = sorted((results.directory / cell.run / "samples").glob("step-*.png"))
        newest += [(grids[-1].stat().st_mtime, cell.label, grids[-1])] if grids else []
    for _, label, path in sorted(newest, reverse=True)[:PICTURES]:
        uri = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
        yield f"{label}, step {int(path.stem.removeprefix('step-'))}", uri


class _Handler(BaseHTTPRequestHandler):
    """`/` is the page, `/live` its content, which the page asks for again and again."""

    def __init__(self, *args: Any, directory: Path, lock: Lock, **others: Any) -> None:
        self.directory, self.lock = directory, lock
        super().__init__(*args, **others)

    def do_GET(self) -> None:
        if self.headers.get("Host", "").partition(":")[0] not in (HOST, "localhost"):
            self.send_error(403, "asked for by another name")  # a page elsewhere whose name was pointed here
        elif self.path not in ("/", "/live"):
            self.send_error(404)
        else:
            self._send(page(self.directory) if self.path == "/" else self._content())

    def _content(self) -> str:
        with self.lock:  # matplotlib draws for one at a time
            try:
                return content(self.directory)
            except (ToonlabError, OSError) as error:
                return templates().from_string("<p role=alert>{{ text }}</p>").render(text=str(error))

    def _send(self, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing in the terminal."""


def page(directory: Path) -> str:
    """The page around the content, which fills itself."""
    style = (TEMPLATE / "style.css").read_text(encoding="utf-8")
    return templates().get_template("watch.html.j2").render(name=directory.name, style=style)


def server(directory: Path, port: int) -> ThreadingHTTPServer:
    """A server of the page of a study's directory at 127.0.0.1; port 0 takes a free one.

    Raises:
        ToonlabError: if the port is taken.
    """
    StudyResults.read(directory)
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Handler, directory=directory, lock=Lock()))
    except OSError as error:
        raise ToonlabError(
            f"--port {port}: can't be used: {error.strerror}; give another, or 0 for a free one"
        ) from error
