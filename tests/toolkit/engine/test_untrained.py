"""The run of a recipe that trains nothing: what it leaves, what is heard of it, and that it is measured but once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from toonlab import Catalogue, Outcome, Run, discover, hookimpl
from toonlab.engine.train import Trained, resume, train
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Offer
from toonlab.registry.schema import Schema
from toonlab.runs.directory import read_metrics

FIXED = """\
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3, difficulty: 0}
generator: {network: classic}
evaluate: {metrics: [lines, psnr], samples: 3, grid: 2}
"""


@dataclass
class Ears:
    heard: list[Any] = field(default_factory=list)

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        self.heard.append(("start", run.steps))

    @hookimpl
    def on_evaluation_end(self, step: int, metrics: Mapping[str, float], images: Mapping[str, Path]) -> None:
        self.heard.append(("evaluation", step, list(metrics), list(images)))

    @hookimpl
    def on_run_end(self, outcome: Outcome) -> None:
        self.heard.append(("end", outcome.status))


@pytest.fixture
def fixed(tmp_path: Path) -> Path:
    (tmp_path / "fixed.yaml").write_text(FIXED)
    return tmp_path / "fixed.yaml"


def run(fixed: Path, catalogue: Catalogue, *overrides: str) -> Trained:
    return train(load(fixed, catalogue, overrides), catalogue, fixed.parent / "runs", distributed="cpu")


def test_it_is_measured_and_finishes_like_any_run(fixed: Path) -> None:
    catalogue, ears = discover(), Ears()

    def make_ears() -> Ears:
        return ears

    catalogue.add(Offer("observers", "ears", make_ears, Schema.of(make_ears), "tests 0"))
    trained = run(fixed, catalogue, "observers.ears={}")
    directory = trained.run.directory
    assert ears.heard == [
        ("start", 0),
        ("evaluation", 0, list(trained.outcome.metrics), ["samples"]),
        ("end", "finished"),
    ]
    outcome = json.loads((directory / "outcome.json").read_text())
    assert (outcome["status"], outcome["step"]) == ("finished", 0)
    assert outcome["metrics"]["lines"] > outcome["photo"]["lines"]
    assert [line["evaluation"] for line in read_metrics(directory / "metrics.jsonl")] == [outcome["metrics"]]
    assert load(directory / "recipe.yaml", catalogue).tree == trained.run.recipe
    assert not list((directory / "checkpoints").iterdir())
    with Image.open(directory / "samples" / "step-00000000.png") as sheet:
        assert sheet.height > 3 * 192  # photo, fake, truth


@pytest.mark.parametrize(
    "settings",
    [["train.steps=500"], ["train.compile=true", "train.ema=0.9", "train.precision=bf16"], ["train.batch=50"]],
)
def test_settings_of_training_neither_make_it_train_nor_fail(fixed: Path, settings: list[str]) -> None:
    trained = run(fixed, discover(), *settings)
    assert (trained.outcome.status, trained.outcome.step) == ("finished", 0)


def test_identity_is_the_photo_untouched(fixed: Path) -> None:
    outcome = run(fixed, discover(), "generator.network=identity").outcome
    assert outcome.metrics == outcome.photo


def test_it_is_measured_again_only_when_something_that_matters_has_changed(fixed: Path) -> None:
    catalogue = discover()
    first = run(fixed, catalogue)
    assert run(fixed, catalogue, "train.log_every=3").reused
    assert run(fixed, catalogue, "generator.network.colors=5").run.identity != first.run.identity
    assert resume(first.run.directory, catalogue, "cpu").reused
    (first.run.directory / "outcome.json").unlink()
    again = resume(first.run.directory, catalogue, "cpu")
    assert again.outcome.metrics == first.outcome.metrics
    assert len(list(read_metrics(again.run.directory / "metrics.jsonl"))) == 1
