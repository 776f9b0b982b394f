"""A run in a process of its own: what it reports, how it ends, and that nothing but it is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toonlab import Slot, discover
from toonlab.recipes.load import load
from toonlab.studies.compare import compare, explain
from toonlab.studies.executors import cell_task, process
from toonlab.studies.executors.cell import CellSpec, cells_of
from toonlab.studies.executors.display import Display
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.executors.process import CellProcess, Failed, ProcessOptions, RunProgress, preloads
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import StudyResults, Variant

LONG = ["train.steps=100000", "evaluate.samples=1", "observers=null"]


@pytest.fixture
def start(small: Path, tmp_path: Path) -> Callable[..., CellProcess]:
    """`start("train.steps=4")`: the process of a run of the small recipe, started."""

    def begin(*overrides: str) -> CellProcess:
        catalogue = discover()
        recipe = load(small, catalogue, [*LONG, *overrides])
        (cell,) = cells_of([CellSpec(Variant("small"), recipe)], catalogue)
        return CellProcess(cell, Slot("here"), ProcessOptions(tmp_path / "runs" / "study"))

    return begin


def test_the_directory_is_shared_with_a_program_whose_token_is_there(tmp_path: Path) -> None:
    """Whatever else is there, the token file is another program's."""
    options = ProcessOptions(tmp_path, token="0123456789abcdef")
    assert not options.shared
    options.token_file.write_text(options.token)
    assert options.shared
    for content in (b"", b"0123456789abcdee", b"\xff" * 16, bytes(2**20)):
        options.token_file.write_bytes(content)
        assert not options.shared
    for make in (os.mkdir, os.mkfifo):
        shutil.rmtree(options.token_file) if options.token_file.is_dir() else options.token_file.unlink()
        make(options.token_file)
        assert not options.shared


def first_report(run: CellProcess) -> RunProgress:
    while run.running:
        for report in run.reports(0.5):
            return report
    pytest.fail(f"no report: {run.end()}")


def outcome(tmp_path: Path) -> dict[str, Any]:
    (file,) = tmp_path.glob("runs/study/*/outcome.json")
    return dict(json.loads(file.read_text()))


def test_a_run_reports_its_steps_and_evaluations_and_logs_what_it_prints(
    start: Callable[..., CellProcess], tmp_path: Path
) -> None:
    run = start("train.steps=4", "train.evaluate_every=2", "observers={progress: {every_seconds: 1e-3}}")
    reports: list[RunProgress] = []
    while run.running:
        reports += run.reports(0.5)
    reports += run.reports(0)
    assert run.end() is None
    evaluated = [report for report in reports if report.metrics]
    assert [(report.step, report.steps) for report in evaluated] == [(2, 4), (4, 4)]
    assert set(evaluated[0].metrics) >= {"lines", "psnr"}
    assert outcome(tmp_path)["status"] == "finished"
    assert any("step 4" in line or "4/4" in line for line in run.last_lines()), run.last_lines()


def test_a_run_that_is_asked_to_stop_saves(start: Callable[..., CellProcess], tmp_path: Path) -> None:
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
    start: Callable[..., CellProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE", -1.0)
    run = start()
    first_report(run)
    run.stop("now")
    run.stop("now")
    assert run.end() == Failed("its process was killed by SIGKILL; perhaps the memory was full")


def test_the_second_run_of_a_directory_says_that_it_is_busy(start: Callable[..., CellProcess]) -> None:
    first = start()
    first_report(first)
    second = start()
    failed = second.end()
    first.stop("enough")
    assert first.end() is None
    assert failed is not None
    assert failed.kind == "busy"
    assert "another process trains there" in failed.reason


def test_what_does_not_fit_is_told_in_a_line_and_logged(start: Callable[..., CellProcess]) -> None:
    run = start("critics.patch.sampler.k=99")
    failed = run.end()
    assert failed is not None
    assert "k=99 patches per image" in failed.reason
    assert run.last_lines()[-1] == f"error: {failed.reason}"
    assert not any("Traceback" in line for line in run.last_lines())


class Killer(Display):
    """Kills the process of the first run as soon as it has reported a step."""

    killed = 0

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.processes: list[CellProcess] = []
        monkeypatch.setattr(cell_task, "CellProcess", self.start)

    def start(self, *arguments: Any) -> CellProcess:
        self.processes.append(CellProcess(*arguments))
        return self.processes[-1]

    def draw(self, progress: StudyProgress) -> None:
        super().draw(progress)
        if not self.killed and any(running.last for running in progress.running):
            self.processes[0]._process.kill()
            self.killed += 1


def test_a_killed_run_is_a_failed_cell_and_the_next_one_runs(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small.parent / "study.yaml").write_text(
        "recipes: [small, identity]\nat: same.yaml\nseeds: 1\nmetrics: {primary: lines}\n"
    )
    (small.parent / "same.yaml").write_text(
        "data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}\n"
        "train.steps: 100000\nevaluate.samples: 1\nobservers: null\n"
    )
    killer = Killer(monkeypatch)
    results = compare(str(small.parent / "study.yaml"), discover(), ExecutionOptions(tmp_path / "runs"), display=killer)
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
    study = toonlab("compare", "study.yaml", "--device", "cpu")
    until(lambda: list(tmp_path.glob("runs/study/*/checkpoints/step-*/state.pt")))
    os.killpg(study.pid, signal.SIGINT)
    assert study.wait() == 128 + signal.SIGINT
    assert outcome(tmp_path)["reason"] == "signal SIGINT"
    (cell,) = StudyResults.read(tmp_path / "runs" / "study").cells
    assert (cell.status, cell.reason) == ("stopped", "signal SIGINT")
    begun, _ = explain(str(small.parent / "study.yaml"), discover(), ExecutionOptions(tmp_path / "runs"))
    assert "begun, continues from its last checkpoint (stopped: signal SIGINT)" in begun


def test_modules_are_imported_ahead_for_the_observers_of_the_recipes_alone(small: Path) -> None:
    catalogue = discover()
    for observers, modules in (("{mlflow: {}}", ["toonlab_mlflow.preload"]), ("{progress: {}}", []), ("null", [])):
        assert preloads([load(small, catalogue, [f"observers={observers}"])], catalogue) == modules


def test_a_run_sees_the_gpus_of_its_slot_alone(small: Path, tmp_path: Path) -> None:
    catalogue = discover()
    (cell,) = cells_of([CellSpec(Variant("small"), load(small, catalogue, ["observers=null"]))], catalogue)
    run = CellProcess(cell, Slot("here", gpus=("GPU-1", "GPU-2")), ProcessOptions(tmp_path / "study"))
    assert run.end() is None
    (file,) = tmp_path.glob("study/*/environment.json")
    assert json.loads(file.read_text())["cuda_visible_devices"] == "GPU-1,GPU-2"


def test_what_runs_are_forked_from_has_not_touched_cuda() -> None:
    """CUDA can't be used in a process that was forked from one that has asked for its devices."""
    code = """
import os, torch
from toonlab.studies.executors.fork_server import _import
_import(["toonlab_mlflow.preload"])
pid = os.fork()
if pid == 0:
    os._exit(int(torch.cuda._is_in_bad_fork()))
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
