"""Sample pictures of a study: the same photos through every variant that has finished."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toonlab import discover
from toonlab.engine.train import train
from toonlab.recipes.load import load
from toonlab.studies.executors.cell import CellSpec, cells_of
from toonlab.studies.results.gallery import gallery, generator_of
from toonlab.studies.results.results import Results, Variant


@pytest.fixture
def results(small: Path, tmp_path: Path) -> Results:
    """A trained recipe, a non-learned baseline and a cell that has not run."""
    catalogue = discover()
    recipe = load(small, catalogue, ["observers=null"])
    fixed = load("classic", catalogue, ["observers=null", "evaluate.grid=2"], shared={"data": recipe.tree["data"]})
    specs = [CellSpec(Variant("small"), recipe), CellSpec(Variant("classic"), fixed)]
    cells = cells_of([*specs, CellSpec(Variant("other"), load(small, catalogue, ["train.steps=2"]))], catalogue)
    for cell in cells[:2]:
        train(cell.spec.recipe, catalogue, tmp_path, "study", "cpu")
    return Results("study", tmp_path / "study", [cell.result(tmp_path / "study") for cell in cells])


def test_a_picture_has_the_photos_a_row_for_each_finished_variant_and_the_truth(results: Results) -> None:
    rows = gallery(results, discover(), torch.device("cpu"))
    names = [name for name, _ in rows]
    assert len(rows) == 4
    assert names[1:3] == ["small", "classic"]
    assert {len(images) for _, images in rows} == {2}  # evaluate.grid
    assert all(image.shape == (3, 32, 32) for _, images in rows for image in images)
    assert not torch.equal(rows[1][1][0], rows[2][1][0])


def test_a_run_without_weights_has_no_generator(results: Results, tmp_path: Path) -> None:
    catalogue, directory = discover(), results.directory / results.cells[0].run
    found = generator_of(directory, catalogue)
    assert found is not None
    recipe, generator = found
    assert recipe.name == directory.name
    assert generator(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)
    for weights in directory.rglob("*.safetensors"):
        weights.unlink()
    assert generator_of(directory, catalogue) is None
    assert generator_of(tmp_path / "nowhere", catalogue) is None
