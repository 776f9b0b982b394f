"""What a study lacks, each thing once, and the hours of its trainings by given and by measured times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from toonlab import ToonlabError, discover
from toonlab.recipes.load import from_data
from toonlab.recipes.spec import Part, Recipe
from toonlab.registry.catalogue import Catalogue, Offer
from toonlab.registry.schema import Schema
from toonlab.studies.executors.cell import CellSpec
from toonlab.studies.plan.experiment import with_train
from toonlab.studies.plan.needs import missing, training_time
from toonlab.studies.results.results import CellResult, Variant


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def recipe(catalogue: Catalogue, photos: str | Path = "$PHOTOS/train", **overrides: Any) -> Recipe:
    given = {
        "data.photos": str(photos),
        "data.cartoons": "$FRAMES",
        **{k.replace("__", "."): v for k, v in overrides.items()},
    }
    return from_data({"extends": "ctss"}, "ctss", catalogue, list(given.items()))


def test_each_missing_thing_is_told_once(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOS", raising=False)
    monkeypatch.setenv("FRAMES", str(tmp_path / "frames"))
    first = recipe(catalogue, evaluate__metrics=["kid", "fid"], data__test="$PHOTOS/test")
    second = recipe(catalogue, evaluate__metrics=["kid"], features__layer="conv3_1")
    found = missing([first, second], catalogue)
    hub = Path(torch.hub.get_dir()) / "checkpoints"
    assert set(found) == {
        "$PHOTOS",
        str(tmp_path / "frames"),
        str(hub / "vgg19-dcbb9e9d.pth"),
        str(hub / "weights-inception-2015-12-05-6726825d.pth"),
    }
    assert found["$PHOTOS"] == "the environment variable is not set; export PHOTOS=FOLDER (data.photos)"
    assert found[str(tmp_path / "frames")] == "no such file or folder (data.cartoons)"

    (tmp_path / "frames").mkdir()
    monkeypatch.setenv("PHOTOS", str(tmp_path))
    (tmp_path / "train").mkdir()
    hub.mkdir(parents=True)
    for name in ("vgg19-dcbb9e9d.pth", "weights-inception-2015-12-05-6726825d.pth"):
        (hub / name).touch()
    assert missing([recipe(catalogue, evaluate__metrics=["kid"])], catalogue) == {}
    own = recipe(catalogue, evaluate__metrics=["psnr", {"use": "fid", "weights": "w.pth"}], features__weights="v.npy")
    assert missing([own], catalogue) == {
        "v.npy": "no such file of weights",
        "w.pth": "no such file or folder (evaluate.metrics.1.weights)",
    }
    assert missing([recipe(catalogue, features__weights="random")], catalogue) == {}


def specs(*recipes: Recipe, seeds: int = 2) -> list[CellSpec]:
    return [
        CellSpec(Variant(one.name, {"k": number}), with_train(one, seed=seed))
        for seed in range(seeds)
        for number, one in enumerate(recipes)
    ]


def finished(spec: CellSpec, seconds: float | None) -> CellResult:
    costs = {} if seconds is None else {"seconds_per_step": seconds}
    outcome = {"metrics": {}, "costs": costs, "seconds": 9.0}
    return CellResult(spec.variant, spec.recipe.train.seed, "r", "finished", outcome=outcome)


def test_hours_follow_from_steps_and_a_given_time(catalogue: Catalogue) -> None:
    cells = specs(recipe(catalogue, train__steps=3600), recipe(catalogue, train__steps=7200))
    (line,) = training_time(cells, [], catalogue, {}, 0.5, complete=True)
    assert line == "to train: 4 runs, 21,600 steps: about 3.0 GPU hours at 0.5 s a step, without evaluations"
    (line,) = training_time(cells, [finished(cells[1], 0.1)], catalogue, {}, 0.5, complete=True)
    assert line.startswith("to train: 3 runs, 14,400 steps: about 2.0 GPU hours")
    assert list(training_time(cells, [finished(cell, 0.1) for cell in cells], catalogue, {}, 1, complete=True)) == []


def test_measured_times_are_those_of_the_variant_or_of_its_recipes_others(catalogue: Catalogue) -> None:
    cells = specs(recipe(catalogue, train__steps=3600), recipe(catalogue, train__steps=3600), seeds=3)
    done = [finished(cells[0], 1.0), finished(cells[2], 3.0)]  # the first variant's
    (line,) = training_time(cells, done, catalogue, {}, None, complete=True)
    assert line == (  # 1 run of the first and 3 of the other, at 2 s a step
        "to train: 4 runs, 14,400 steps: about 8.0 hours on the device that was measured, without evaluations"
    )
    (line,) = training_time(cells, done, catalogue, {"ctss (k 1)": 10.0}, None, complete=True)
    assert "about 32.0 hours" in line
    (line,) = training_time(cells, [], catalogue, {}, None, complete=True)
    assert line == "to train: 6 runs, 21,600 steps; the time of a step of ctss is not known: --step-time SECONDS"


def test_epochs_are_those_of_the_larger_folder_and_of_a_thousand_pictures_without(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FRAMES", raising=False)
    cells = specs(recipe(catalogue, tmp_path / "photos"), seeds=1)
    (line,) = training_time(cells, [], catalogue, {}, 3.6, complete=False)
    assert (
        "10,000 steps for every 1,000 pictures of the larger folder: about 10.0 GPU hours" in line
    )  # 80 epochs of 125
    for folder, count in (("photos", 8), ("frames", 21)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / folder / f"{number}.png")
    monkeypatch.setenv("FRAMES", str(tmp_path / "frames"))
    cells = specs(recipe(catalogue, tmp_path / "photos"), seeds=1)
    (line,) = training_time(cells, [], catalogue, {}, 3.6, complete=True)
    assert line.startswith("to train: 1 run, 160 steps: about 0.16 GPU hours")  # 80 epochs of two batches of eight


def test_a_part_that_does_not_tell_is_made(tmp_path: Path) -> None:
    """As a metric whose package is not installed."""

    def lacking() -> object:
        raise ToonlabError("lacking: pip install something")

    catalogue = discover()
    catalogue.add(Offer("metrics", "lacking", lacking, Schema.of(lacking), "tests 0"))
    given = recipe(catalogue, tmp_path, data__cartoons=str(tmp_path), features__weights="random")
    metrics = (*given.evaluate.metrics, Part("metrics", "lacking", {}))
    needed = missing([replace(given, evaluate=replace(given.evaluate, metrics=metrics))], catalogue)
    assert needed == {"lacking": "pip install something"}
