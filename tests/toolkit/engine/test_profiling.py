"""What a run costs: numbers that can be known by other means."""

import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from toonlab import Sample, discover
from toonlab.engine.profiling import COSTS, Stopwatch, inference, peak_memory_mib
from toonlab.engine.train import train
from toonlab.recipes.load import load
from toonlab.studies.compare import compare
from toonlab.studies.executors.options import ExecutionOptions

CPU = torch.device("cpu")
PHOTOS = [torch.zeros(3, 16, 16)] * 3


class Slow(nn.Module):
    """Takes a hundredth of a second a batch, and one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, photo: Tensor) -> Tensor:
        time.sleep(0.01)
        return self.layer(photo)


def test_parameters_flops_and_pictures_per_second() -> None:
    found = inference(Slow(), PHOTOS, CPU)
    assert found["parameters"] == 3 * 3 * 9 + 3
    assert found["gflops_per_image"] == pytest.approx(2 * 3 * 3 * 9 * 16 * 16 / 1e9)
    assert 50 < found["images_per_second"] <= 300  # three photos in a hundredth of a second, and whatever disturbs


def test_what_multiplies_nothing_has_no_flops() -> None:
    found = inference(nn.Identity(), PHOTOS, CPU)
    assert found.keys() == {"images_per_second", "parameters"}
    assert found["parameters"] == 0


def test_photos_of_other_sizes_are_left_out_and_none_at_all_cost_nothing() -> None:
    assert inference(Slow(), [*PHOTOS, torch.zeros(3, 8, 8)], CPU)["images_per_second"] <= 300
    assert inference(Slow(), [], CPU) == {}


def test_pictures_that_lie_ready_cost_nothing() -> None:
    class Ready(nn.Module):
        def check(self, samples: list[Sample]) -> None: ...
        def fake(self, sample: Sample) -> Tensor:
            return sample.photo

        def manifest(self) -> dict[str, str]:
            return {}

    assert inference(Ready(), PHOTOS, CPU) == {}


def test_peak_memory_grows_with_what_is_held() -> None:
    before = peak_memory_mib(CPU)
    held = torch.ones(64 * 2**20 // 4)
    assert 10 < before <= peak_memory_mib(CPU)
    del held


def test_the_stopwatch_leaves_out_the_first_step_and_the_pauses() -> None:
    watch = Stopwatch(CPU)
    time.sleep(0.2)
    watch.step()
    for _ in range(4):
        time.sleep(0.01)
        watch.step()
        watch.pause()
        time.sleep(0.2)
        watch.resume()
    assert watch.steps == 4
    assert 0.01 <= (watch.seconds_per_step or 0) < 0.1


def test_a_single_step_tells_nothing() -> None:
    watch = Stopwatch(CPU)
    watch.step()
    watch.pause()
    assert watch.seconds_per_step is None


def test_a_runs_outcome_has_all_of_them(small: Path, tmp_path: Path) -> None:
    catalogue = discover()
    trained = train(load(small, catalogue), catalogue, tmp_path / "runs", distributed="cpu")
    assert trained.outcome.costs.keys() == set(COSTS)
    assert 0 < trained.outcome.costs["seconds_per_step"] < trained.outcome.seconds


def test_costs_are_columns_if_an_experiment_asks_for_them(small: Path, tmp_path: Path) -> None:
    study = small.parent / "study.yaml"
    study.write_text(
        "recipes: [small, {use: identity}]\nseeds: 1\n"
        "metrics: {primary: lines, also: [psnr, seconds_per_step, parameters]}\n"
    )
    results = compare(str(study), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    trained, identity = results.rows
    assert list(trained.values) == ["lines", "psnr", "seconds_per_step", "parameters", "seconds"]
    assert trained.values["parameters"][0] > 0
    assert (identity.cell("seconds_per_step"), identity.cell("parameters")) == ("–", "0.000")
