"""A study as data frames: values, order, what is missing, what has failed; and its report."""

from __future__ import annotations

import json
import shutil
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import toonlab
from toonlab.api import results as module
from toonlab.api.results import conclude, report
from toonlab.registry.catalogue import Catalogue


def cell(recipe: str, seed: int, value: float | None, **levels: Any) -> dict[str, Any]:
    """A finished cell; without a value, one that has failed."""
    record = {
        "variant": {"recipe": recipe, "levels": levels},
        "seed": seed,
        "run": f"{recipe}-s{seed}-00000000",
        "log": [],
        "status": "failed",
        "reason": "loss is <nan>",
    }
    if value is None:
        return record
    outcome = {
        "metrics": {"f1": value, "aside": 1.0},
        "photo": {"f1": 0.1},
        "costs": {},
        "measured": {},
        "seconds": 2.0,
    }
    return record | {"status": "finished", "reason": None, "outcome": outcome}


@pytest.fixture
def study(tmp_path: Path) -> toonlab.Results:
    cells = [cell("a", seed, 0.5 + seed / 100) for seed in range(3)]
    cells += [cell("b", seed, value, k=4) for seed, value in ((0, 0.6), (1, 0.7), (2, None))]
    record = {"name": "mine", "cells": cells, "metrics": ["f1"], "baseline": "a", "higher": {"f1": True}}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "results.json").write_text(json.dumps(record))
    return toonlab.Results.read(tmp_path / "mine")


def test_the_frame_has_a_column_for_each_factor_and_nan_for_what_failed(study: toonlab.Results) -> None:
    frame = study.frame
    assert list(frame.columns) == ["recipe", "k", "seed", "status", "f1", "seconds", "aside", "run"]
    assert frame["k"].tolist() == ["", "", "", 4, 4, 4]
    assert frame["f1"].tolist()[:5] == [0.5, 0.51, 0.52, 0.6, 0.7]
    assert isnan(frame["f1"].iloc[5])
    assert frame["run"].iloc[0] == str(study.directory / "a-s0-00000000")


def test_the_summary_begins_each_metric_with_the_photo(study: toonlab.Results) -> None:
    summary = study.summary
    assert list(summary.index) == [
        ("f1", "the unmodified photo"),
        ("f1", "a"),
        ("f1", "b (k 4)"),
        ("seconds", "a"),
        ("seconds", "b (k 4)"),
    ]
    assert summary["seeds"].tolist() == [0, 3, 2, 3, 2]
    assert summary.loc[("f1", "the unmodified photo"), "mean"] == 0.1
    assert summary.loc[("f1", "a"), "verdict"] == "baseline"
    assert summary.loc[("f1", "b (k 4)"), "difference"] == pytest.approx(0.145)
    assert isnan(summary.loc[("f1", "a"), "difference"])


def test_failed_cells_stand_below_the_table_and_the_missing_report_is_none(study: toonlab.Results) -> None:
    text = study._repr_html_()
    assert "failed: b (k 4), seed 2: loss is &lt;nan&gt;" in text
    assert "report: " not in text
    assert study.report is None
    assert repr(study) == f"<Results of mine: 5 of 6 runs finished, in {study.directory}>"
    assert [failed.seed for failed in study.failed] == [2]


def test_the_last_run_is_the_last_finished_one_that_is_here(study: toonlab.Results) -> None:
    assert study.last_run is None  # all of them are elsewhere
    for name in ("a-s1-00000000", "b-s0-00000000", "b-s2-00000000"):
        (study.directory / name).mkdir()
    assert study.last_run == study.directory / "b-s0-00000000"


def test_without_a_metric_there_is_no_frame(study: toonlab.Results, tmp_path: Path) -> None:
    path = tmp_path / "mine" / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "metrics": []}))
    empty = toonlab.Results.read(tmp_path / "mine")
    with pytest.raises(toonlab.ToonlabError, match=r"mine: no metric was measured; give evaluate\.metrics some"):
        _ = empty.frame
    assert "<table" not in empty._repr_html_()


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(toonlab.ToonlabError, match="no such file; run `toonlab compare"):
        toonlab.Results.read(tmp_path)


def test_in_a_notebook_show_displays_the_table_and_the_samples(
    study: toonlab.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(module, "in_notebook", lambda: True)  # docs/notebook.ipynb has a real one
    monkeypatch.setattr("IPython.display.display", shown.append)
    Image.new("RGB", (3, 2)).save(study.directory / "samples.png")
    study.show()
    table, grid = shown
    assert table.data == study._repr_html_()
    assert grid.data == (study.directory / "samples.png").read_bytes()


# -- the report, at the end of a study and afterwards


@pytest.fixture
def reportable(run: toonlab.TrainedRun, tmp_path: Path) -> Path:
    """A folder of runs with a study of one cell, `mine`."""
    directory = tmp_path / "runs" / "mine"
    shutil.copytree(run.directory, directory / run.name)
    variant = {"recipe": run.recipe_name, "levels": {}}
    cell = {"variant": variant, "seed": 0, "run": run.name, "status": "finished", "log": []}
    cell["outcome"] = run.outcome.to_json()
    record = {"name": "mine", "cells": [cell], "metrics": ["lines"], "higher": {"lines": True}}
    (directory / "results.json").write_text(json.dumps(record))
    return tmp_path / "runs"


def test_a_report_is_written_where_it_is_asked_for(reportable: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    results, page = report("mine", catalogue, runs=reportable, out=tmp_path / "there" / "page.html")
    assert page == tmp_path / "there" / "page.html"
    assert "&lt;b&gt;odd" in page.read_text()
    assert (results.name, results.report) == ("mine", None)
    assert results.catalogue is catalogue


def test_a_study_of_which_nothing_has_finished_has_no_report(reportable: Path, catalogue: Catalogue) -> None:
    path = reportable / "mine" / "results.json"
    record = json.loads(path.read_text())
    record["cells"][0] |= {"status": "failed", "reason": "nan", "outcome": None}
    path.write_text(json.dumps(record))
    conclude(toonlab.Results.read(reportable / "mine"))
    assert not (reportable / "mine" / "report.html").exists()
    with pytest.raises(toonlab.ToonlabError, match="nothing has finished yet"):
        report("mine", catalogue, runs=reportable)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, in MLflow
def test_trackers_get_the_report_in_the_given_store(reportable: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """The run says of which study it is a part, as one that a comparison has trained does."""
    (directory,) = (path.parent for path in reportable.glob("mine/*/recipe.yaml"))
    recipe = (directory / "recipe.yaml").read_text()
    (directory / "recipe.yaml").write_text(recipe.replace("observers: {}", "observers: {mlflow: {}}"))
    environment = json.loads((directory / "environment.json").read_text())
    (directory / "environment.json").write_text(json.dumps({**environment, "study": "mine"}))
    results = toonlab.Results.from_study(toonlab.Results.read(reportable / "mine"), catalogue)
    conclude(results, f"sqlite:///{tmp_path}/mine.db")
    assert results.report == reportable / "mine" / "report.html"
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mine.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    artifacts = [
        file.path for run in client.search_runs(experiments) for file in client.list_artifacts(run.info.run_id)
    ]
    assert "report.html" in artifacts


def test_an_earlier_study_is_found_by_its_name(study: toonlab.Results) -> None:
    found = toonlab.open_study("mine", study.directory.parent)
    assert isinstance(found, toonlab.Results)
    assert found.cells == study.cells
    with pytest.raises(toonlab.ToonlabError, match="no results of such a study; did you mean 'mine'"):
        toonlab.open_study("min", study.directory.parent)
