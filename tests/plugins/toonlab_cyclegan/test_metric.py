"""The error of a cycle: its value, and a training that measures it of the weights that it selects."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toonlab import Catalogue, Sample, ToonlabError
from toonlab.engine.checkpoint import checkpoints, load_state
from toonlab.engine.train import train
from toonlab.errors import RecipeError
from toonlab.recipes.load import load
from toonlab.runs.directory import read_metrics
from toonlab.testing import MetricTests
from toonlab_cyclegan.metric import ReconstructionError

TINY = ["train.size=32", "data={use: toonworld, size: 32, scenes: 16}", "train.batch=2", "observers=null"]
TINY += [f"critics.{name}.discriminator={{use: patchgan, width: 2}}" for name in ("image", "back")]
TINY += ["generator.network={use: ctss_unet, width: 2}", "generators.back={use: ctss_unet, width: 2}"]
TINY += [
    "evaluate.metrics=[content_ssim, {use: reconstruction_error, of: cycle}]",
    "evaluate.samples=2",
    "evaluate.grid=1",
]


class TestReconstructionError(MetricTests):
    factory = ReconstructionError


def test_the_mean_difference_in_levels() -> None:
    metric = ReconstructionError()
    for number, shift in enumerate((0.2, -0.4)):
        photo = torch.zeros(3, 8, 8)
        metric.update(photo + shift, Sample(str(number), photo))
    assert metric.compute()["reconstruction_error"] == pytest.approx(0.3 * 127.5)
    with pytest.raises(ToonlabError, match="no samples to evaluate"):
        ReconstructionError().compute()


def test_a_training_measures_it_of_the_weights_that_it_selects(catalogue: Catalogue, tmp_path: Path) -> None:
    overrides = ["train.steps=4", "train.evaluate_every=1", "train.select=content_ssim", "train.ema=0.5"]
    overrides += ["stages=[{name: all, share: 1}]", "generator.optimizer.lr=0.3"]
    trained = train(load("cyclegan", catalogue, [*TINY, *overrides]), catalogue, tmp_path)
    directory = trained.run.directory
    lines = read_metrics(directory / "metrics.jsonl")
    found = {line["step"]: line["evaluation"] for line in lines if "evaluation" in line}
    (best,) = checkpoints(directory / "best")
    step = int(best.name[5:])
    assert step < 4  # else this would show nothing
    assert trained.outcome.metrics == found[step]
    assert len({evaluation["reconstruction_error"] for evaluation in found.values()}) == 4
    assert (best / "generators.back.safetensors").is_file()
    assert "reconstruction_error" not in trained.outcome.photo
    state = load_state(checkpoints(directory / "checkpoints")[-1])
    name, value = next((name, value) for name, value in state["parts"]["generators/back"].items() if value.ndim)
    assert not torch.equal(state["ema"][f"module.generators/back.{name}"], value)


@pytest.mark.parametrize("path", ["generators.a/b", "critics.a/b"])
def test_names_that_no_file_can_have_are_refused_before_the_training(catalogue: Catalogue, path: str) -> None:
    critic = "{discriminator: {use: patchgan, width: 2}, objective: lsgan, optimizer: {use: Adam, lr: 1e-3}}"
    given = critic if path.startswith("critics") else "{use: ctss_unet, width: 2}"
    with pytest.raises(RecipeError, match=f"{path}: files are named after it; give it letters, digits, _ and - only"):
        load("cyclegan", catalogue, [*TINY, f"{path}={given}", "streams.x=[a/b, fake]"])


@pytest.mark.parametrize(
    ("stream", "line"),
    [
        ("cycel", "evaluate.metrics.0.of: 'cycel': no such stream; did you mean 'cycle'?"),
        ("cycle_back", "evaluate.metrics.0.of: 'cycle_back': is made of cartoons, and samples have photos; give a"),
    ],
)
def test_a_stream_that_samples_do_not_have_is_refused(catalogue: Catalogue, stream: str, line: str) -> None:
    with pytest.raises(RecipeError) as error:
        load("cyclegan", catalogue, [*TINY, f"evaluate.metrics=[{{use: reconstruction_error, of: {stream}}}]"])
    assert line in str(error.value)
