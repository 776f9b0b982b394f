"""`toonlab train` and `toonlab sync` as a user types them, with everything killed that can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from toonlab.cli.app import app

TOONLAB = [sys.executable, "-m", "toonlab"]
TRAIN = [
    "train",
    "small.yaml",
    "observers={mlflow: {}}",
    "train.steps=300",
    "train.checkpoint_every=7",
]  # longer than a report takes


@pytest.fixture
def started(small: Path, server: Any, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts the training, in a process of its own."""
    processes = []

    def start() -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # beside a server on a small machine, the faster
        command = [*TOONLAB, *TRAIN, "train.evaluate_every=150", "--tracking-uri", server.uri]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with process:
            process.kill()


def directory(tmp_path: Path) -> Path:
    return next(tmp_path.glob("runs/small/small-s0-*"), tmp_path / "none yet")


def lines(tmp_path: Path) -> int:
    path = directory(tmp_path) / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def synced(server: Any) -> tuple[int, str, str]:
    """`toonlab sync runs`: exit code, what it printed, and its errors."""
    done = CliRunner().invoke(app, ["sync", "runs", "--tracking-uri", server.uri])
    return done.exit_code, done.stdout, done.stderr


def test_after_kills_of_server_and_run_and_a_sync_everything_is_there_once(
    server: Any,
    started: Any,
    store: Any,
    until: Any,
    recorded: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shown() -> int:
        if not store(server.uri).runs("small"):
            return 0
        return max((step for step, _ in store(server.uri).history("generator/total", "small")), default=0)

    monkeypatch.setenv("TOONLAB_TRACKING_URI", "set anew by the command, and taken back after the test")
    server.start()
    first = started()
    until(lambda: lines(tmp_path) > 10 and shown())
    server.kill()
    before = lines(tmp_path)
    until(lambda: lines(tmp_path) > before + 5)
    os.kill(first.pid, signal.SIGSTOP)  # so that it has not finished when the server is up again
    server.start()
    before = shown()
    os.kill(first.pid, signal.SIGCONT)
    until(lambda: shown() > before)
    first.kill()
    first.communicate()

    again = started()
    before = lines(tmp_path)
    until(lambda: lines(tmp_path) > before)
    server.kill()
    _, errors = again.communicate(timeout=400)
    assert again.returncode == 0, errors
    *away, lacking = errors.splitlines()
    away_at = rf"warning: MLflow at {re.escape(server.uri)}: connection (refused|lost); the run goes on"
    assert all(re.search(away_at, line) for line in away)  # lost, if the kill came in the middle of a request
    assert len(away) <= 1  # none, if the run has ended before MLflow was missed
    command = f"toonlab sync runs/small/{directory(tmp_path).name} --tracking-uri {server.uri}"
    assert re.search(rf" \(connection (refused|lost)\); `{re.escape(command)}` completes it$", lacking)

    monkeypatch.chdir(tmp_path)
    code, output, errors = synced(server)
    assert (code, output) == (1, "")
    assert "connection refused; nothing is lost, and `toonlab sync " in errors
    server.start()
    code, output, errors = synced(server)
    assert (code, errors) == (0, "")
    tracked = store(server.uri).the_run("small")
    assert store(server.uri).points(tracked) == recorded(directory(tmp_path))
    assert set(recorded(directory(tmp_path)).values()) == {1}
    assert tracked.info.status == "FINISHED"
    pictures = {f"samples/{path.name}" for path in (directory(tmp_path) / "samples").iterdir()}
    assert {"samples/step-00000150.png", "samples/step-00000300.png"} <= pictures
    assert store(server.uri).artifacts("samples", "small") == pictures
    weights = "checkpoints/step-00000300/generator.safetensors"
    expected = (directory(tmp_path) / weights).read_bytes()
    assert store(server.uri).artifact("weights/generator.safetensors", "small") == expected
    assert synced(server)[1].endswith(": complete\n")
    assert store(server.uri).points(store(server.uri).the_run("small")) == recorded(directory(tmp_path))
