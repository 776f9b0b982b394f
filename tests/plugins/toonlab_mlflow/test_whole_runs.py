"""`toonlab train` and `toonlab sync` as a user types them, with run and server killed on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from toonlab.cli.app import app
from toonlab_mlflow.directory import image_name

TRAIN = [
    "train",
    "small.yaml",
    "train.steps=120",
    "train.log_every=1",
    "train.checkpoint_every=7",
    "train.evaluate_every=20",
]


@pytest.fixture
def started(small: Path, server: Any, toonlab: Callable[..., Any]) -> Callable[[], Any]:
    """Starts the training, in a process of its own."""
    return lambda: toonlab(*TRAIN, f"observers={{mlflow: {{tracking_uri: {server.uri}, patience: 240}}}}")


def directory(tmp_path: Path) -> Path:
    return next(tmp_path.glob("runs/small/small-s0-*"), tmp_path / "none yet")


def lines(tmp_path: Path) -> int:
    path = directory(tmp_path) / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def synced(server: Any) -> tuple[int, str, str]:
    """`toonlab sync runs`: exit code, what it printed, and its errors."""
    done = CliRunner().invoke(app, ["sync", "runs", "--tracking-uri", server.uri])
    return done.exit_code, done.stdout, done.stderr


def test_after_kills_of_run_and_server_and_a_sync_every_point_is_there_once(
    server: Any,
    started: Any,
    store: Any,
    until: Any,
    recorded: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shown() -> int:
        """The last step that MLflow shows."""
        if not store(server.uri).runs("small"):
            return 0
        return max((step for step, _ in store(server.uri).history("train/generator/total", "small")), default=0)

    server.start()
    first = started()
    until(lambda: shown() >= 20)
    first.kill()
    killed_at = lines(tmp_path)

    again = started()
    until(lambda: shown() > 20 and lines(tmp_path) > killed_at)
    server.kill()
    assert again.wait() == 0, again.stderr
    command = f"toonlab sync runs/small/{directory(tmp_path).name}"
    place = rf"warning: MLflow at {re.escape(server.uri)} is away"
    assert re.fullmatch(rf"{place} \(connection (refused|lost)\); `{re.escape(command)}` completes it\n", again.stderr)

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
    pictures = [path.relative_to(directory(tmp_path)) for path in (directory(tmp_path) / "samples").iterdir()]
    assert {"step-00000020.png", "step-00000120.png"} <= {path.name for path in pictures}
    files = {f"images/{image_name(path)}{end}" for path in pictures for end in (".png", "+compressed.webp")}
    assert store(server.uri).artifacts("images", "small") == files
    weights = "checkpoints/step-00000120/generator.safetensors"
    expected = (directory(tmp_path) / weights).read_bytes()
    assert store(server.uri).artifact("weights/generator.safetensors", "small") == expected
    assert synced(server)[1].endswith(": complete\n")
    assert store(server.uri).points(store(server.uri).the_run("small")) == recorded(directory(tmp_path))
