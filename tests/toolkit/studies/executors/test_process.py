"""A run in a process of its own: what it reports, how it ends, and that nothing but it is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from toonlab import discover
from toonlab.engine.train import identity_of
from toonlab.recipes.load import load
from toonlab.studies.compare import compare
from toonlab.studies.executors import process
from toonlab.studies.executors.display import Silent
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.executors.process import Failed, Job, Progress, RunProcess, apart, prepare
from toonlab.studies.executors.progress import Board
from toonlab.studies.results.results import Results
from toonlab.studies.storage import Storage

LONG = ["train.steps=100000", "evaluate.samples=1", "observers=null"]


@pytest.fixture
def start(small: Path, tmp_path: Path) -> Callable[..., RunProcess]:
    """`start("train.steps=4")`: a run of the small recipe, begun."""

    def begin(*overrides: str) -> RunProcess:
        catalogue = discover()
        recipe = load(small, catalogue, [*LONG, *overrides])
        what = identity_of(recipe, catalogue)
        return RunProcess(Job(recipe, what, tmp_path / "runs", "study", "cpu", tmp_path / "logs" / "run.log", 1))

    return begin


def first_report(run: RunProcess) -> Progress:
    while run.running:
        for progress in run.news(0.5):
            return progress
    pytest.fail(f"no report: {run.end()}")


def outcome(tmp_path: Path) -> dict[str, Any]:
    (file,) = tmp_path.glob("runs/study/*/outcome.json")
    return dict(json.loads(file.read_text()))


def test_a_run_reports_its_steps_and_evaluations_and_logs_what_it_prints(
    start: Callable[..., RunProcess], tmp_path: Path
) -> None:
    run = start("train.steps=4", "train.evaluate_every=2", "observers={progress: {every_seconds: 1e-3}}")
    reports: list[Progress] = []
    while run.running:
        reports += run.news(0.5)
    reports += run.news(0)
    assert run.end() is None
    evaluated = [report for report in reports if report.metrics]
    assert [(report.step, report.steps) for report in evaluated] == [(2, 4), (4, 4)]
    assert set(evaluated[0].metrics) >= {"outline_f1", "psnr"}
    assert outcome(tmp_path)["status"] == "finished"
    assert any("step 4" in line or "4/4" in line for line in run.last_lines()), run.last_lines()


def test_a_run_that_is_asked_to_stop_saves(start: Callable[..., RunProcess], tmp_path: Path) -> None:
    run = start()
    step = first_report(run).step
    run.stop("there is something better to do")
    assert run.end() is None
    ended = outcome(tmp_path)
    assert (ended["status"], ended["reason"]) == ("stopped", "there is something better to do")
    assert step <= ended["step"] < 100000
    (checkpoint,) = tmp_path.glob("runs/study/*/checkpoints/step-*")
    assert int(checkpoint.name.partition("-")[2]) == ended["step"]


def test_a_run_that_does_not_stop_in_time_is_killed(
    start: Callable[..., RunProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE", -1.0)
    run = start()
    first_report(run)
    run.stop("now")
    run.stop("now")
    assert run.end() == Failed("its process was killed by SIGKILL; perhaps the memory was full")


def test_the_second_run_of_a_directory_says_that_it_is_busy(start: Callable[..., RunProcess]) -> None:
    first = start()
    first_report(first)
    second = start()
    failed = second.end()
    first.stop("enough")
    assert first.end() is None
    assert failed is not None
    assert failed.busy
    assert "another process trains there" in failed.reason


def test_what_does_not_fit_is_told_in_a_line_and_logged(start: Callable[..., RunProcess]) -> None:
    run = start("critics.patch.sampler.k=99")
    failed = run.end()
    assert failed is not None
    assert "k=99 patches per image" in failed.reason
    assert run.last_lines()[-1] == f"error: {failed.reason}"
    assert not any("Traceback" in line for line in run.last_lines())


class Killer(Silent):
    """Kills the first run as soon as it has reported a step."""

    killed = 0

    def draw(self, board: Board) -> None:
        super().draw(board)
        if not self.killed and any(running.last for running in board.running):
            for child in multiprocessing.active_children():
                if child.pid and child.name.startswith("toonlab-"):
                    os.kill(child.pid, signal.SIGKILL)
                    self.killed += 1


def test_a_killed_run_is_a_failed_cell_and_the_next_one_runs(small: Path, tmp_path: Path) -> None:
    (small.parent / "study.yaml").write_text(
        "recipes: [small, identity]\nat: same.yaml\nseeds: 1\nmetrics: {primary: outline_f1}\n"
    )
    (small.parent / "same.yaml").write_text(
        "data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}\n"
        "train.steps: 100000\nevaluate.samples: 1\nobservers: null\n"
    )
    killer = Killer()
    results = compare(
        str(small.parent / "study.yaml"), discover(), ExecutionOptions(tmp_path / "runs", "cpu"), display=killer
    )
    trained, untouched = results.cells
    assert killer.killed
    assert (trained.status, trained.outcome) == ("failed", None)
    assert trained.reason == "its process was killed by SIGKILL; perhaps the memory was full"
    assert untouched.status == "finished"


def test_a_run_whose_study_is_killed_saves_and_stops_by_itself(
    small: Path, tmp_path: Path, toonlab: Callable[..., Any], until: Callable[..., None]
) -> None:
    text = f"recipes: [small]\nseeds: 1\nset: {{{', '.join(LONG).replace('=', ': ')}, train.checkpoint_every: 20}}\n"
    (small.parent / "study.yaml").write_text(text)
    study = toonlab("compare", "study.yaml", "--device", "cpu")
    until(lambda: list(tmp_path.glob("runs/study/*/checkpoints/step-*/state.pt")))
    study.kill()
    until(lambda: list(tmp_path.glob("runs/study/*/outcome.json")))
    ended = outcome(tmp_path)
    assert (ended["status"], ended["reason"]) == ("stopped", "the study that started it is gone")
    saved = max(
        int(path.parent.name.partition("-")[2]) for path in tmp_path.glob("runs/study/*/checkpoints/*/state.pt")
    )
    assert saved == ended["step"]


def test_ctrl_c_reaches_runs_as_well_and_stops_them_all_the_same(
    small: Path, tmp_path: Path, toonlab: Callable[..., Any], until: Callable[..., None]
) -> None:
    """They may have stopped before the study knows why: their cells have not failed, and others may take them up."""
    text = f"recipes: [small]\nseeds: 1\nset: {{{', '.join(LONG).replace('=', ': ')}, train.checkpoint_every: 20}}\n"
    (small.parent / "study.yaml").write_text(text)
    storage = f"sqlite:///{tmp_path / 'shared.db'}"
    study = toonlab("compare", "study.yaml", "--device", "cpu", "--storage", storage)
    until(lambda: list(tmp_path.glob("runs/study/*/checkpoints/step-*/state.pt")))
    os.killpg(study.pid, signal.SIGINT)
    assert study.wait() == 128 + signal.SIGINT
    assert outcome(tmp_path)["reason"] == "signal SIGINT"
    (cell,) = Results.read(tmp_path / "runs" / "study").cells
    assert (cell.status, cell.reason) == ("stopped", "signal SIGINT")
    with Storage(storage, "study/cells") as shared:
        (waiting,) = shared.trials(TrialState.WAITING)
    assert waiting.user_attrs["run"] == cell.run


def test_only_what_observers_need_is_imported_ahead(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(process.MODULES, "")
    catalogue = discover()
    for observers, modules in (("{mlflow: {}}", "toonlab_mlflow.preload"), ("{progress: {}}", ""), ("null", "")):
        prepare([load(small, catalogue, [f"observers={observers}"])], catalogue)
        assert os.environ[process.MODULES] == modules


def test_a_process_has_the_environment_of_now_and_no_main_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = sys.modules["__main__"]
    for value in ("one", "other"):  # the server has been running since the first, at least
        monkeypatch.setenv("TOONLAB_CACHE", value)
        apart(os.system, f"echo $TOONLAB_CACHE >> '{tmp_path / 'seen'}'")
    assert (tmp_path / "seen").read_text().split() == ["one", "other"]
    assert sys.modules["__main__"] is main
