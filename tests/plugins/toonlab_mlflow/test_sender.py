"""A server that is away: at the start, in the middle, at the end, always."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from toonlab.types import Run
from toonlab_mlflow import MLflow, sender

AWAY = "; the run goes on, and MLflow gets what it misses when it is back"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "_SECONDS", 0.2)
    monkeypatch.setattr(sender, "_LONGEST_PAUSE", 0.5)


def steps(alive: Any, first: int, last: int) -> None:
    for step in range(first, last + 1):
        alive.step(step)
    alive.checkpoint(last)


def warned_away(alive: Any, until: Callable[..., None], step: int) -> str:
    """Take steps until the observer says that MLflow is away."""

    def says() -> bool:
        alive.tell("on_step_end", step=step, scalars=None)
        return bool(caught)

    with pytest.warns(RuntimeWarning, match=AWAY) as caught:
        until(says)
    return str(caught[0].message)


def told_back(alive: Any, until: Callable[..., None], step: int, capfd: pytest.CaptureFixture[str]) -> None:
    heard = []

    def says() -> bool:
        alive.tell("on_step_end", step=step, scalars=None)
        heard.append(capfd.readouterr().err)
        return any(heard)

    until(says)
    (line,) = "".join(heard).splitlines()
    assert " is back after " in line


def test_away_at_the_start_and_back_later(
    run: Run, life: Any, store: Any, server: Any, until: Any, recorded: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    alive = life(run, MLflow(server.uri, patience=240))
    steps(alive, 1, 5)
    assert warned_away(alive, until, 5) == f"MLflow at {server.uri}: connection refused{AWAY}"
    steps(alive, 6, 10)
    server.start()
    told_back(alive, until, 10, capfd)
    steps(alive, 11, 15)
    alive.end(15)
    tracked = store(server.uri).the_run()
    assert store(server.uri).points(tracked) == recorded(run.directory)
    assert tracked.info.status == "FINISHED"
    assert store(server.uri).artifact("weights/generator.safetensors") == b"weights"


def test_killed_in_the_middle_and_started_again(
    run: Run, life: Any, store: Any, server: Any, until: Any, recorded: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    server.start()
    alive = life(run, MLflow(server.uri, patience=240))
    steps(alive, 1, 5)
    until(lambda: store(server.uri).runs() and len(store(server.uri).history("generator/total")) == 5)
    server.kill()
    alive.step(6)
    warned_away(alive, until, 6)
    steps(alive, 7, 10)
    server.start()
    told_back(alive, until, 10, capfd)
    alive.step(11)
    alive.end(11)
    tracked = store(server.uri).the_run()
    assert store(server.uri).points(tracked) == recorded(run.directory)


def test_a_server_that_never_answers_holds_up_nothing(
    run: Run, life: Any, until: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        alive = life(run, MLflow(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=0.3))
        steps(alive, 1, 500)  # while the thread waits for its first answer
        with pytest.warns(RuntimeWarning, match=r"lacks a part of ctss-s0-1a2b3c4d \(not done within 0\.3 s\)"):
            alive.end(500)
    until(lambda: all(thread.name != "toonlab-mlflow" for thread in threading.enumerate()))
    assert capfd.readouterr() == ("", "")


def test_pauses_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    class Awake(sender.Sender):
        def __init__(self) -> None:
            self._failures = 0

    idle, pauses = Awake(), []
    for idle._failures in range(12):
        pauses.append(idle._pause)
    assert pauses == [5, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    idle._failures = 100_000  # attempts, in ten weeks
    assert idle._pause == 60
