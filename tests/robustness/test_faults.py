"""Real commands that meet a fault while they run: a directory that vanishes, a full disk, a storage that is away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kills import processes_of

LONG = ["train.steps=100000", "train.evaluate_every=100000", "train.checkpoint_every=5", "observers=null"]
COMPARISON = "recipes: [small]\nseeds: 2\n"
SEARCH = """\
recipe: small
search: {critics.patch.sampler.k: {low: 1, high: 4}}
objective: {metric: psnr}
trials: 3
seeds_per_trial: 1
confirm: {top: 1, seeds: 1}
"""
FIXED = "recipes: [identity]\nat: world.yaml\nseeds: 1\n"
WORLD = """\
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 2}
evaluate: {metrics: [psnr], samples: 2, grid: 1}
observers: null
"""


@pytest.fixture
def workspace(small: Path, tmp_path: Path) -> Path:
    for name, text in (("comparison", COMPARISON), ("search", SEARCH), ("fixed", FIXED), ("world", WORLD)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "name", "moment"),
    [
        ("train", "small", "small-*/recipe.yaml"),
        ("train", "small", "small-*/checkpoints/step-*"),
        ("compare", "comparison", "small-*/metrics.jsonl"),
        ("tune", "search", "optuna.db"),
        ("tune", "search", ".driver"),
        ("tune", "search", "small-*/metrics.jsonl"),
    ],
)
def test_a_directory_that_vanishes_is_told_in_a_line(
    command: str, name: str, moment: str, workspace: Path, toonlab: Any, until: Any
) -> None:
    """Of a run or a study, at moments from its very beginning on."""
    directory = workspace / "runs" / name
    started = toonlab(command, f"{name}.yaml", *LONG, "--device", "cpu", cwd=workspace)
    until(lambda: any(directory.glob(moment)))
    shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)  # what was written meanwhile
    assert started.wait(60) == 2, started.stderr
    (error,) = [line for line in started.stderr.splitlines() if not line.startswith(("warning: ", "["))]
    assert error.startswith(f"error: {'' if command == 'train' else 'runs/' + name}"), error
    assert "vanished" in error
    until(lambda: not processes_of(started.pid))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_search_whose_storage_is_away(
    number: signal.Signals, code: int, workspace: Path, toonlab: Any, until: Any
) -> None:
    storage = workspace / "studies.db"
    short = ["train.steps=20", "observers=null"]
    started = toonlab("tune", "search.yaml", *short, "--storage", f"sqlite:///{storage}", "--device", "cpu")
    until(lambda: any(workspace.glob("runs/search/small-*/metrics.jsonl")))
    storage.write_bytes(b"no database" * 1000)
    until(lambda: "waiting for it" in started.stderr)
    began = time.monotonic()
    os.kill(started.pid, number)
    assert started.wait(60) == code
    assert time.monotonic() - began < 20
    *_, last = started.stderr.splitlines()
    assert last.startswith(f"stopped by {number.name}; ")
    assert "not a database" in last
    assert "Traceback" not in started.stderr


FULL = """
mount -t tmpfs -o size=4m x runs && cp -r made/* runs && rm runs/fixed/results.json
head -c 9000000 /dev/zero > runs/fill 2> /dev/null
toonlab compare fixed.yaml; echo "code $?"
rm runs/fill
toonlab compare fixed.yaml; echo "code $?"
grep -o '"again": [a-z]*' runs/fixed/results.json
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"]).returncode != 0,
    reason="needs namespaces, to mount a small disk",
)
def test_a_full_disk_under_a_comparison_is_a_line_and_costs_no_cell(workspace: Path, toonlab: Any) -> None:
    made = toonlab("compare", "fixed.yaml", "--runs", "made", "--device", "cpu")
    assert made.wait() == 0, made.stderr
    (workspace / "runs").mkdir()
    line = f'toonlab() {{ {sys.executable} -m toonlab "$@" --device cpu; }}; {FULL}'
    done = subprocess.run(["unshare", "-rm", "bash", "-c", line], cwd=workspace, capture_output=True, text=True)
    assert [each for each in done.stdout.splitlines() if each.startswith("code ")] == ["code 2", "code 0"], done.stderr
    errors = [each for each in done.stderr.splitlines() if each.startswith("error: ")]
    assert errors == ["error: runs/fixed/results.json: No space left on device; make room"]
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] == '"again": true'
