"""A study of three tiny methods with pictures, and its vote on a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import uvicorn
from PIL import Image

from toonlab import Poll
from toonlab.runs.pictures import write_pictures
from toonlab.studies.results.results import CellResult, StudyResults, Variant
from toonlab_vote.command import LOCAL, _listening
from toonlab_vote.server import Voting

LINES = {"identity": 0.1, "classic": 0.8, "canny": 0.5}  # the metric of each method
PHOTOS = [f"yard {number}" for number in range(4)]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Serving(NamedTuple):
    """A server that takes votes, and a client of it."""

    port: int
    poll: Poll
    root: str = "/"

    @property
    def url(self) -> str:
        return f"http://{LOCAL}:{self.port}{self.root}"

    def ask(self, path: str, given: object = None, host: str | None = None, kind: str = "application/json") -> Answer:
        connection = HTTPConnection(LOCAL, self.port)
        headers = {"Host": host or f"{LOCAL}:{self.port}"} | ({"Content-Type": kind} if given is not None else {})
        body = None if given is None else given if isinstance(given, bytes) else json.dumps(given).encode()
        connection.request("GET" if given is None else "POST", f"{self.root}{path}", body, headers)
        answer = connection.getresponse()
        found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return found


def drawn(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs with the study `three`: three methods that have finished, with pictures of four photos."""
    directory, cells = tmp_path / "runs" / "three", []
    for number, (label, lines) in enumerate(LINES.items()):
        run = f"{label}-s0-00000000"
        made = [(name, {"photo": drawn(n), "fake": drawn(10 * number + n + 10)}, {}) for n, name in enumerate(PHOTOS)]
        write_pictures(directory / run, made)
        outcome = {"metrics": {"lines": lines}, "photo": {}, "costs": {}, "measured": {}, "seconds": 1.0}
        cells.append(CellResult(Variant(label), 0, run, "finished", outcome=outcome))
    StudyResults("three", directory, cells, metrics=["lines"], higher={"lines": True}).write()
    return tmp_path / "runs"


@pytest.fixture
def serve(runs: Path) -> Iterator[Callable[..., Serving]]:
    """`serve(pairs=3)` takes votes on the study, and begins again when it is called again."""
    stack = ExitStack()

    def start(pairs: int = 3, token: str = "", hosts: tuple[str, ...] = (LOCAL, "localhost")) -> Serving:
        stack.close()
        poll = Poll("three", runs)
        stack.enter_context(poll.opened())
        listener = stack.enter_context(_listening(LOCAL, 0))
        config = uvicorn.Config(Voting(poll, pairs).application(token, hosts), log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join()

        stack.callback(stop)
        return Serving(listener.getsockname()[1], poll, f"/{token}/" if token else "/")

    yield start
    stack.close()
