"""A study of three tiny methods with pictures, and its vote on a real server."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn

from toonlab import Poll, compare
from toonlab_vote.command import LOCAL, _listening
from toonlab_vote.server import Voting

EXPERIMENT = """\
recipes: [identity, classic, canny]
at: tiny
set:
  data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 4}
  evaluate: {metrics: [lines, psnr], samples: 4, grid: 4}
  observers: null
metrics: {primary: lines, also: [psnr]}
seeds: 1
"""


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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: None) -> Path:
    """A folder with the study `three` in `runs`."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "three.yaml").write_text(EXPERIMENT)
    assert not compare(folder / "three.yaml", runs=folder / "runs").failed
    return folder


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    """A copy of the study, without votes."""
    shutil.copytree(finished / "runs", tmp_path / "runs")
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
