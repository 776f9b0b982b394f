"""`toonlab compare`, `tune`, `worker` and `report`: what they print, record and leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STUDY = "recipes: [small]\nseeds: 2\nmetrics: {primary: lines}\nset: {observers: {}}\n"
SEARCH = """\
recipe: small
set: {observers: {}}
search: {train.batch: [2, 3]}
objective: {metric: lines}
trials: 2
seeds_per_trial: 1
confirm: {top: 1, seeds: 1}
"""


@pytest.fixture
def study(small: Path, tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "hunt.yaml").write_text(SEARCH)
    return tmp_path


def test_a_comparison_ends_with_the_table_and_the_paths(toonlab: Callable[..., Any], study: Path) -> None:
    options = ("--seeds", "1", "--runs", "elsewhere", "--device", "cpu")
    done = toonlab("compare", "study.yaml", *options, "train.steps=2")
    assert done.returncode == 0, done.stderr
    assert "the unmodified photo" in done.stdout
    folder = study / "elsewhere" / "study"
    for label, name in {"report": "report.html", "samples": "samples.png", "table": "results.md"}.items():
        assert f"{label + ':':9}elsewhere/study/{name}\n" in done.stdout
        assert (folder / name).exists()
    recorded = json.loads((folder / "results.json").read_text())
    expected = "toonlab compare study.yaml --seeds 1 --runs elsewhere --device cpu train.steps=2"
    (cell,) = recorded["cells"]
    environment = json.loads((folder / cell["run"] / "environment.json").read_text())
    assert recorded["command"] == environment["command"] == expected
    assert not (study / "runs").exists()

    (folder / "report.html").unlink()
    done = toonlab("report", "study", "--runs", "elsewhere", "--device", "cpu")
    names = ("report.html", "table.csv", "table.md", "table.tex")
    assert [line.split()[-1] for line in done.stdout.splitlines()] == [f"elsewhere/study/{name}" for name in names]
    assert (folder / "report.html").exists()

    explained = toonlab(
        "compare", "study.yaml", "--runs", "elsewhere", "--explain", "--step-time", "3600", "train.steps=2"
    )
    assert explained.stdout.splitlines() == [
        f"small, seed 0: finished ({cell['run']})",
        "small, seed 1: has not run yet",
        "to train: 1 run, 2 steps: about 2.0 GPU hours at 3600 s a step, without evaluations",
    ]
    explained = toonlab("compare", "study.yaml", "--runs", "elsewhere", "--explain", "--until-decided", "train.steps=2")
    *lines, looks, time = explained.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"small, seed {seed}" for seed in range(9)]
    assert looks.startswith("looks at 9, 13, 18, 24 seeds")
    assert time.startswith("to train: 8 runs, 16 steps: about ")  # by the time that the first seed took
    assert time.endswith(" hours on the device that was measured, without evaluations")


def test_what_a_study_lacks_is_told_before_anything_is_there(
    typed: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paper's studies on a machine without any folder or weights; then with one of the films."""
    for name in ("PHOTOS", "FRAMES_WIND_RISES", "FRAMES_DRAGON_BALL", "FRAMES_SHIN_CHAN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    explained = typed("compare", "paper_comparison", "--explain", "--step-time", "0.3")
    assert explained.returncode == 0
    *needed, runs, time = explained.stdout.splitlines()
    things = [line.split(": ")[1] for line in needed]
    films = ["$FRAMES_WIND_RISES", "$FRAMES_DRAGON_BALL", "$FRAMES_SHIN_CHAN"]
    names = ["vgg19-dcbb9e9d.pth", "weights-inception-2015-12-05-6726825d.pth"]
    assert sorted(things) == sorted(
        ["$PHOTOS", *films, *(str(tmp_path / "torch" / "hub" / "checkpoints" / name) for name in names)]
    )
    assert runs == "63 runs can begin when nothing is missing"
    assert time == (
        "to train: 45 runs, 506,250 steps for every 1,000 pictures of the larger folder: "
        "about 42.2 GPU hours at 0.3 s a step, without evaluations"
    )
    refused = typed("compare", "paper_comparison", "--runs", str(tmp_path / "runs"))
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: $PHOTOS/test: the environment variable PHOTOS is not set; export PHOTOS=")
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_failed_cell_is_named_and_the_exit_code_is_1(toonlab: Callable[..., Any], study: Path) -> None:
    done = toonlab("compare", "study.yaml", "--seeds", "1", "--device", "cpu", "generator.optimizer.lr=1e30")
    assert done.returncode == 1
    assert "failed: small, seed 0: " in done.stderr
    assert "table:   runs/study/results.md" in done.stdout
    assert not (study / "runs" / "study" / "report.html").exists()


def test_a_search_keeps_its_trials_in_the_storage_that_is_given(toonlab: Callable[..., Any], study: Path) -> None:
    options = ("--storage", f"sqlite:///{study}/shared.db", "--device", "cpu", "train.steps=2")
    done = toonlab("tune", "hunt.yaml", *options)
    assert done.returncode == 0, done.stderr
    assert "report:  runs/hunt/report.html" in done.stdout
    recorded = json.loads((study / "runs" / "hunt" / "results.json").read_text())
    assert recorded["command"] == f"toonlab tune hunt.yaml {' '.join(options)}"
    assert len(recorded["search"]["trials"]) == 2
    assert (study / "shared.db").exists()
    assert not (study / "runs" / "hunt" / "optuna.db").exists()


def test_photos_are_written_under_their_names(typed: Callable[..., Any], study: Path) -> None:
    done = typed("compare", "study.yaml", "--photos", "photos")
    assert done.stdout == "3 photos in photos\n"
    assert len(list((study / "photos").glob("*.png"))) == 3
    assert not (study / "runs").exists()
