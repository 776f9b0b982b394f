"""Cells: their names, their identities, and the results that their runs have left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from toonlab import discover
from toonlab.engine.train import identity_of
from toonlab.errors import ToonlabError
from toonlab.recipes.load import load
from toonlab.studies.executors.cell import CellSpec, cells_of, finished_before
from toonlab.studies.plan.experiment import plan_cells, read_experiment
from toonlab.studies.results.results import CellResult, Variant
from toonlab.types import Outcome

OUTCOME = Outcome("finished", step=4, seconds=1.0, metrics={"f1": 0.5}).to_json()


@pytest.fixture
def specs(small: Path) -> list[CellSpec]:
    (small.parent / "study.yaml").write_text("recipes: [small, {use: classic}]\nseeds: [3, 8]\n")
    return plan_cells(*read_experiment(str(small.parent / "study.yaml")), {}, discover())


def test_the_identity_of_each_seed_is_that_of_its_run(specs: list[CellSpec]) -> None:
    catalogue = discover()
    cells = cells_of(specs, catalogue)
    assert [cell.label for cell in cells] == ["small, seed 3", "classic, seed 3", "small, seed 8", "classic, seed 8"]
    assert len({cell.run for cell in cells}) == 4
    for cell in cells:
        assert cell.identity == identity_of(cell.spec.recipe, catalogue)
        assert cell.run.startswith(f"{cell.spec.recipe.name}-s{cell.spec.recipe.train.seed}-")


def test_the_result_is_that_of_a_finished_run(specs: list[CellSpec], tmp_path: Path) -> None:
    cell, other, *_ = cells_of(specs, discover())
    assert cell.result(tmp_path) == cell.waiting == CellResult(Variant("small"), 3, cell.run)
    for status, split in (("stopped", "test"), ("finished", "validation"), ("finished", "test")):
        (tmp_path / cell.run).mkdir(exist_ok=True)
        (tmp_path / cell.run / "outcome.json").write_text(json.dumps({**OUTCOME, "status": status, "split": split}))
        finished = status == "finished" and split == "test"
        assert cell.result(tmp_path).status == ("finished" if finished else "waiting")
        trial = replace(cell, spec=replace(cell.spec, split="validation"))
        assert trial.result(tmp_path).status == ("finished" if status == "finished" else "waiting")
    result = finished_before(cell.waiting, tmp_path)
    assert result is not None
    assert (result.reused, result.values["f1"]) == (True, 0.5)
    assert finished_before(other.waiting, tmp_path) is None


def test_all_baselines_that_cannot_be_built_are_named_at_once(small: Path, tmp_path: Path) -> None:
    entries = ", ".join(f"{{use: pictures, path: {tmp_path / name}, name: {name}}}" for name in ("one", "two"))
    (small.parent / "study.yaml").write_text(f"recipes: [small, {entries}]\nseeds: 2\n")
    catalogue = discover()
    specs = plan_cells(*read_experiment(str(small.parent / "study.yaml")), {}, catalogue)
    with pytest.raises(ToonlabError) as caught:
        cells_of(specs, catalogue)
    assert [line.rpartition("/")[2].partition(":")[0] for line in str(caught.value).splitlines()] == ["one", "two"]


def test_a_recipe_that_cannot_be_identified_is_an_error_by_itself(small: Path, tmp_path: Path) -> None:
    recipe = load(small, discover(), [f"data={{use: folder, photos: {tmp_path / 'none'}, cartoons: {tmp_path}}}"])
    with pytest.raises(ToonlabError, match="none"):
        cells_of([CellSpec(Variant("small"), recipe)], discover())
