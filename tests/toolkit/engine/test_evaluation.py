"""Evaluations on the way and at the end: what is logged and written, and how often the generator runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from toonlab import Catalogue, Run, Sample, discover
from toonlab.engine.evaluation import finish_run, record_evaluation
from toonlab.engine.evaluator import Evaluator
from toonlab.engine.record import RunRecord
from toonlab.recipes.load import load
from toonlab.recipes.spec import Part
from toonlab.registry.observers import Observers
from toonlab.runs.directory import prepare, read_metrics
from toonlab.runs.pictures import read_pictures
from toonlab.types import Truth
from toonlab.utils.distributed import DistributedContext


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


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    run = Run(tmp_path, "study", "small", 0, "0" * 16, {}, 4)
    prepare(run)
    return RunRecord(run=run, observers=Observers({}), distributed=DistributedContext(torch.device("cpu")), step=2)


@pytest.fixture
def evaluator(catalogue: Catalogue) -> Evaluator:
    return Evaluator([sample(number) for number in range(5)], [Part("metrics", "psnr", {})], catalogue, 4)


def test_metrics_and_grid_take_one_forward_pass(record: RunRecord, evaluator: Evaluator) -> None:
    generator = Counting()
    with record.recording():
        evaluation = evaluator.evaluate(generator, torch.device("cpu"), keep=3)
        record_evaluation(record, evaluator, evaluation)
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
    finish_run(record, load(small, catalogue), evaluator, generator, evaluation)
    assert [sample.name for sample in read_pictures(record.run.directory)] == [s.name for s in evaluator.samples[:2]]
    assert record.metrics == record.photo == evaluation.metrics
    assert record.measured == evaluation.measured
    assert record.costs["parameters"] == 0
    assert record.costs["images_per_second"] > 0
    assert record.costs["peak_memory_mib"] > 10
