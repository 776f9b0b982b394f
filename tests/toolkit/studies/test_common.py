"""What comparisons and searches share: what is checked before, and what is not made again after."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from toonlab import discover
from toonlab.errors import ToonlabError
from toonlab.recipes.load import load
from toonlab.studies.common import check_fixed, check_measurable, experiment_data, initial_results
from toonlab.studies.compare import compare
from toonlab.studies.executors import fork_server
from toonlab.studies.executors.cell import CellSpec, cells_of
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.results.results import Variant


def test_a_metric_that_the_data_cannot_give_is_named(small: Path, tmp_path: Path) -> None:
    catalogue = discover()
    check_measurable(load(small, catalogue), catalogue, "lines", "study.yaml: metrics.primary")
    for number in range(8):
        Image.new("RGB", (48, 48), (9 * number, 40, 90)).save(tmp_path / f"{number}.png")
    recipe = load(small, catalogue, [f"data={{use: folder, photos: {tmp_path}, cartoons: {tmp_path}}}"])
    with pytest.raises(ToonlabError, match=r"^study\.yaml: metrics\.primary: .*lines.*; give another metric$"):
        check_measurable(recipe, catalogue, "lines", "study.yaml: metrics.primary")


def test_pictures_of_another_program_are_looked_for_until_they_are_measured(small: Path, tmp_path: Path) -> None:
    catalogue = discover()
    (tmp_path / "made").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "made" / "other.png")
    data = load(small, catalogue).tree["data"]
    part = {"generator": {"network": {"use": "pictures", "path": str(tmp_path / "made")}}, "data": data}
    from toonlab.recipes.load import from_data

    recipe = from_data({**part, "evaluate": {"metrics": ["psnr"], "samples": 2}}, "theirs", catalogue)
    cells = cells_of([CellSpec(Variant("theirs"), recipe)], catalogue)
    with pytest.raises(ToonlabError, match="made"):
        check_fixed(cells, catalogue, tmp_path / "study")


def test_results_begin_with_directions_and_caveats(small: Path, tmp_path: Path) -> None:
    catalogue = discover()
    results = initial_results(tmp_path / "s", [load(small, catalogue)], catalogue, ["seconds_per_step"], about="why")
    assert results.metrics == ["lines", "psnr", "seconds_per_step"]
    assert (results.higher["lines"], results.higher["seconds_per_step"]) == (True, False)
    assert list(results.caveats) == ["psnr"]
    assert (results.name, results.about, results.cells) == ("s", "why", [])


def test_overrides_are_part_of_what_was_asked(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("recipes: [ctss]\n")
    assert experiment_data(tmp_path / "study.yaml", {}) == {"recipes": ["ctss"]}
    assert experiment_data(tmp_path / "study.yaml", {"k": 2}) == {"recipes": ["ctss"], "overrides": {"k": 2}}


def test_a_finished_study_starts_no_process_and_draws_no_picture_again(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small.parent / "study.yaml").write_text("recipes: [small]\nseeds: 1\nset: {observers: null}\n")
    study, options = str(small.parent / "study.yaml"), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    first = compare(study, discover(), options)
    picture, record = first.directory / "samples.png", (first.directory / "results.json").read_text()
    drawn = picture.stat().st_mtime_ns
    monkeypatch.setattr(fork_server, "ForkServer", None)
    monkeypatch.setattr(fork_server, "_running", None)
    again = compare(study, discover(), options)
    assert [cell.reused for cell in again.cells] == [True]
    assert picture.stat().st_mtime_ns == drawn
    assert (first.directory / "results.json").read_text() == record.replace('"again": false', '"again": true')
    (first.directory / ".results.json.7").touch()  # of a process that was killed while it wrote
    os.utime(picture, (0, 0))  # older than the run: of another study of that name
    compare(study, discover(), options)
    assert not (first.directory / ".results.json.7").exists()
    assert picture.stat().st_mtime_ns > drawn
