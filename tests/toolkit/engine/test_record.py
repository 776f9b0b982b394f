"""The record of a run: what is written, how often the generator runs for it, and who is notified, however it ends."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from toonlab import Catalogue, DivergedError, Outcome, Run, Sample, ToonlabError, discover, hookimpl
from toonlab.engine.evaluator import Evaluation, Evaluator
from toonlab.engine.record import RunRecord
from toonlab.recipes.load import load
from toonlab.recipes.spec import Part
from toonlab.registry.observers import Observers
from toonlab.runs.directory import prepare, read_metrics, read_outcome
from toonlab.runs.pictures import read_pictures
from toonlab.types import Truth
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.signals import Interrupted


class Counting(nn.Module):
    """Returns its photos, and counts its forward passes."""

    def __init__(self) -> None:
        super().__init__()
        self.forwards = 0

    def forward(self, photos: Tensor) -> Tensor:
        self.forwards += 1
        return photos


def sample(number: int) -> Sample:
    photo = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(number)) * 2 - 1
    return Sample(f"photo {number}", photo, Truth(cartoon=photo * 0.5))


@dataclass
class Log:
    events: list[Any] = field(default_factory=list)

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        self.events.append(run.name)

    @hookimpl
    def on_evaluation_end(self, step: int, metrics: dict[str, float], images: dict[str, Path]) -> None:
        self.events.append((step, metrics, images))

    @hookimpl
    def on_run_end(self, outcome: Outcome) -> None:
        self.events.append(outcome)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def record(tmp_path: Path, log: Log) -> RunRecord:
    run = Run(tmp_path, "study", "small", 0, "0" * 16, {}, 4)
    prepare(run)
    return RunRecord(run=run, observers=Observers({"log": log}), distributed=DistributedContext(torch.device("cpu")))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture
def evaluator(catalogue: Catalogue) -> Evaluator:
    return Evaluator([sample(number) for number in range(5)], [Part("metrics", "psnr", {})], catalogue, 4)


EVALUATION = Evaluation({"psnr": 14.0}, {"psnr": {"n": 3}}, [], {"psnr": [13.0, None, 15.0]})


def test_a_run_that_finishes(record: RunRecord, evaluator: Evaluator, log: Log, tmp_path: Path) -> None:
    with record.recording():
        record.step = 2
        record.log("scalars", {"loss": 0.5})
        record.add_evaluation(evaluator, EVALUATION, {"patches": tmp_path})
        record.costs["parameters"] = 9.0
    outcome = record.complete()
    assert (outcome.status, outcome.step, outcome.reason) == ("finished", 2, None)
    assert (outcome.metrics, outcome.measured, outcome.costs) == ({"psnr": 14.0}, {"psnr": {"n": 3}}, {"parameters": 9})
    assert read_outcome(record.run.directory) == outcome
    assert log.events == [record.run.name, (2, {"psnr": 14.0}, {"patches": tmp_path}), outcome]
    lines = [{k: v for k, v in line.items() if k != "time"} for line in _lines(record)]
    assert lines == [{"step": 2, "scalars": {"loss": 0.5}}, {"step": 2, "evaluation": {"psnr": 14.0}}]


def test_a_directory_that_vanishes_at_the_very_end_is_told(record: RunRecord) -> None:
    with record.recording():
        pass
    shutil.rmtree(record.run.directory)
    with pytest.raises(ToonlabError, match="vanished during the run; was it deleted or moved"):
        record.complete()


def test_the_time_before_a_resume_counts(record: RunRecord) -> None:
    record.seconds_before = 100.0
    assert 100 <= record.seconds < 200


def test_a_run_that_an_observer_stopped(record: RunRecord) -> None:
    with record.recording():
        pass
    assert (record.complete("enough").status, record.complete("enough").reason) == ("stopped", "enough")


def test_a_run_that_a_signal_stopped_says_how_to_go_on(record: RunRecord) -> None:
    text = "stopped by SIGTERM at step 0 of 4; the same command continues from there"
    with record.recording():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted, match=text) as caught:
        record.complete("signal SIGTERM")
    assert caught.value.number == signal.SIGTERM
    assert _outcome(record) == ("stopped", "signal SIGTERM")


@pytest.mark.parametrize(
    ("error", "raised", "status", "reason"),
    [
        (DivergedError("diverged at step 3"), DivergedError, "failed", "diverged at step 3"),
        (ValueError("no"), ValueError, "failed", "ValueError: no"),
        (KeyboardInterrupt(), KeyboardInterrupt, "stopped", "interrupted"),
        (
            OSError(28, "No space left on device", "x.pt"),
            ToonlabError,
            "failed",
            "x.pt: can't be written: No space left on device; make room, and the same command continues from step 2",
        ),
    ],
)
def test_an_error_is_raised_and_written_down(
    record: RunRecord, log: Log, error: BaseException, raised: type[BaseException], status: str, reason: str
) -> None:
    (record.run.directory / "checkpoints" / "step-00000002").mkdir()
    with pytest.raises(raised), record.recording():
        raise error
    assert _outcome(record) == (status, reason)
    assert log.events[-1].reason == reason


def test_without_a_checkpoint_a_full_disk_means_the_start(record: RunRecord) -> None:
    with pytest.raises(ToonlabError, match=r"can't be written: full; .* continues from the start"), record.recording():
        raise OSError(28, "full")


def test_other_processes_write_nothing_and_notify_nobody(record: RunRecord, log: Log) -> None:
    record.distributed = DistributedContext(torch.device("cpu"), rank=1, size=2)
    with record.recording():
        record.log("scalars", {"loss": 0.5})
        assert record.notify("where_to_look") == []
    assert record.complete().status == "finished"
    assert log.events == []
    assert not (record.run.directory / "outcome.json").exists()
    assert _lines(record) == []


def test_metrics_and_grid_take_one_forward_pass(record: RunRecord, evaluator: Evaluator) -> None:
    generator = Counting()
    record.step = 2
    with record.recording():
        evaluation = evaluator.evaluate(generator, torch.device("cpu"), keep=3)
        record.add_evaluation(evaluator, evaluation)
    record.complete()
    assert generator.forwards == 1
    assert [torch.equal(fake, sample(number).photo) for number, fake in enumerate(evaluation.fakes)] == [True] * 3
    (line,) = read_metrics(record.run.directory / "metrics.jsonl")
    assert (line["step"], line["evaluation"]) == (2, evaluation.metrics)
    assert record.metrics == evaluation.metrics
    with Image.open(record.run.directory / "samples" / "step-00000002.png") as sheet:
        assert sheet.height > 3 * 192  # photo, fake, truth
        assert 3 * 192 < sheet.width < 4 * 192


def test_the_end_of_a_run_has_its_metrics_those_of_the_photos_costs_and_pictures(
    record: RunRecord, evaluator: Evaluator, small: Path, catalogue: Catalogue
) -> None:
    generator = Counting()
    evaluation = evaluator.evaluate(generator, torch.device("cpu"), keep=2)
    record.add_results(load(small, catalogue), evaluator, generator, evaluation)
    assert [sample.name for sample in read_pictures(record.run.directory)] == [s.name for s in evaluator.samples[:2]]
    assert record.metrics == record.photo == evaluation.metrics
    assert record.measured == evaluation.measured
    assert record.costs["parameters"] == 0
    assert record.costs["images_per_second"] > 0
    assert record.costs["peak_memory_mib"] > 10


def _lines(record: RunRecord) -> list[dict[str, Any]]:
    return list(read_metrics(record.run.directory / "metrics.jsonl"))


def _outcome(record: RunRecord) -> tuple[str, str]:
    outcome = json.loads((record.run.directory / "outcome.json").read_text())
    return outcome["status"], outcome["reason"]
