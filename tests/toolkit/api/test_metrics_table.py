"""The table of one run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import toonlab
from toonlab.api.metrics_table import metrics_table
from toonlab.studies.results.tables import PHOTO


def test_the_photo_stands_above_the_run(run: toonlab.TrainedRun) -> None:
    table = metrics_table(run)
    photo, own = table.rows
    assert (photo.name, own.name) == (PHOTO, run.recipe_name)
    assert list(own.values) == ["lines", "psnr", "seconds"]  # as the recipe names them
    assert own.values == {
        "lines": [run.metrics["lines"]],
        "psnr": [run.metrics["psnr"]],
        "seconds": [run.outcome.seconds],
    }
    assert photo.values == {name: [run.photo[name]] for name in ("lines", "psnr")}
    assert table.higher == {"lines": True, "psnr": True}
    assert list(table.caveats) == ["psnr"]
    assert table.measured == run.outcome.measured


def test_as_html_columns_have_directions_and_stars(run: toonlab.TrainedRun) -> None:
    text = metrics_table(run).to_html()
    for heading in (">method<", ">lines ↑<", ">psnr* ↑<", ">seconds ↓<"):
        assert heading in text
    assert f"* psnr: {metrics_table(run).caveats['psnr']}" in text
    assert "&lt;b&gt;odd" in text
    assert f"{run.metrics['lines']:.3f}" in text


def test_a_run_on_pairs_says_so(data: Mapping[str, Any], tmp_path: Path) -> None:
    pairs = {**data, "train": {**data["train"], "supervised": True}}
    table = metrics_table(toonlab.train(pairs, name="pairs", runs=tmp_path, device="cpu"))
    assert table.rows[-1].title == "pairs (supervised)"
    assert "pairs (supervised)" in table.to_html()


def test_an_unfinished_run_has_the_values_of_its_last_evaluation(run: toonlab.TrainedRun, tmp_path: Path) -> None:
    directory = tmp_path / "runs" / "odd" / run.name
    shutil.copytree(run.directory, directory)
    (directory / "outcome.json").unlink()
    begun = toonlab.open_run(directory)
    table = metrics_table(begun)
    (own,) = (row for row in table.rows if row.name == run.recipe_name)
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    last = [line["evaluation"] for line in lines if "evaluation" in line][-1]
    assert own.values["lines"] == [last["lines"]]
    assert 0 < own.values["seconds"][0] < 300
    assert table.measured == {}
    (directory / "metrics.jsonl").unlink()
    assert metrics_table(begun) is None
