"""Experiments: generators that do not learn among their recipes, given by their parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from toonlab import discover
from toonlab.cli import app
from toonlab.compare import write_photos
from toonlab.errors import RecipeError, ToonlabError
from toonlab.experiment import plan_cells, read_experiment
from toonlab.pictures import read_picture
from toonlab.specs import Recipe


def cells(folder: Path, text: str) -> list[Recipe]:
    (folder / "study.yaml").write_text(text)
    experiment, path = read_experiment(str(folder / "study.yaml"))
    return plan_cells(experiment, path, {}, discover())


def test_a_part_stands_on_the_data_and_by_the_metrics_of_the_first_recipe(small: Path) -> None:
    entry = "{use: pictures, path: made, name: theirs}"
    theirs, ours, second = cells(
        small.parent, f"recipes: [{entry}, small, {{use: classic}}]\nseeds: [5]\nset: {{data.size: 48}}\n"
    )
    assert (theirs.name, second.name) == ("theirs", "classic")
    assert theirs.generator.network.parameters == {"path": Path("made")}
    assert theirs.train.seed == 5
    assert ours.data.parameters["size"] == 48
    for key in ("data", "train", "evaluate", "observers"):
        assert theirs.tree[key] == ours.tree[key]
    assert (theirs.stages, theirs.features) == ((), None)


@pytest.mark.parametrize(
    ("recipes", "says"),
    [
        ("[{use: classic}]", "recipes: no recipe is given by name; give one at least"),
        ("[small, {use: classic}, {use: classic, colors: 4}]", "recipes: 2 of them are called 'classic'"),
        ("[small, {use: pictures, path: made, name: small}]", "recipes: 2 of them are called 'small'"),
        ("[small, {use: pictures, path: made, name: a/b}]", "recipes: 'a/b' can't name a folder of runs"),
        ("[small, {use: pictures, name: x}]", "x: generator.network.path: missing; give Path"),
        ("[small, {use: picture, path: made}]", "'picture': no such generator; did you mean 'pictures'?"),
        ("[small, {path: made, name: x}]", "x: generator.network.use: missing"),
        ("[small, 3]", "recipes: got ['small', 3], expected list[str | dict"),
        ("[small]\nmetrics: {primary: parameters}", "metrics.primary: parameters says nothing of the pictures"),
        ("[small]\nmetrics: {primary: psnr}", "metrics.primary: psnr may stand in a table but not lead it (closeness"),
    ],
)
def test_an_entry_that_makes_no_sense(small: Path, recipes: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        cells(small.parent, f"recipes: {recipes}\n")
    assert says in str(caught.value)
    assert len(caught.value.problems) == 1


def test_the_photos_that_are_measured_are_written_for_other_programs(small: Path, tmp_path: Path) -> None:
    (recipe, *_) = cells(small.parent, "recipes: [small]\n")
    catalogue = discover()
    written = write_photos(str(small.parent / "study.yaml"), catalogue, tmp_path / "photos", {"evaluate.samples": 2})
    done = CliRunner().invoke(app, ["compare", str(small.parent / "study.yaml"), "--photos", str(tmp_path / "again")])
    assert done.stdout == f"3 photos are in {tmp_path / 'again'}\n"
    samples = recipe.data.make(catalogue).test().evaluation()[:2]  # what results are reported on
    assert [path.name for path in written] == [f"{sample.name}.png" for sample in samples]
    for path, sample in zip(written, samples, strict=True):
        assert (read_picture(path) / 127.5 - 1 - sample.photo).abs().max() < 1e-6
    with pytest.raises(ToonlabError, match=r"toonworld-0000\.png: exists already; choose another folder"):
        write_photos(str(small.parent / "study.yaml"), catalogue, tmp_path / "photos")
