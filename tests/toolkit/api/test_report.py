"""The report of a study, at its end and afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import toonlab
from toonlab.api.report import conclude, report
from toonlab.registry.catalogue import Catalogue


@pytest.fixture
def study(run: toonlab.TrainedRun, tmp_path: Path) -> Path:
    """A folder of runs with a study of one cell, `mine`."""
    directory = tmp_path / "runs" / "mine"
    shutil.copytree(run.directory, directory / run.name)
    variant = {"recipe": run.recipe_name, "levels": {}}
    cell = {"variant": variant, "seed": 0, "run": run.name, "status": "finished", "log": []}
    cell["outcome"] = run.outcome.to_json()
    record = {"name": "mine", "cells": [cell], "metrics": ["outline_f1"], "higher": {"outline_f1": True}}
    (directory / "results.json").write_text(json.dumps(record))
    return tmp_path / "runs"


def test_a_report_is_written_where_it_is_asked_for(study: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    results, page = report("mine", catalogue, runs=study, out=tmp_path / "there" / "page.html")
    assert page == tmp_path / "there" / "page.html"
    assert "&lt;b&gt;odd" in page.read_text()
    assert (results.name, results.report) == ("mine", None)
    assert results.catalogue is catalogue


def test_a_study_of_which_nothing_has_finished_has_no_report(study: Path, catalogue: Catalogue) -> None:
    path = study / "mine" / "results.json"
    record = json.loads(path.read_text())
    record["cells"][0] |= {"status": "failed", "reason": "nan", "outcome": None}
    path.write_text(json.dumps(record))
    conclude(toonlab.Results.read(study / "mine"))
    assert not (study / "mine" / "report.html").exists()
    with pytest.raises(toonlab.ToonlabError, match="nothing has finished yet"):
        report("mine", catalogue, runs=study)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, in MLflow
def test_trackers_get_the_report_in_the_given_store(study: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """The run says of which study it is a part, as one that a comparison has trained does."""
    (directory,) = (path.parent for path in study.glob("mine/*/recipe.yaml"))
    recipe = (directory / "recipe.yaml").read_text()
    (directory / "recipe.yaml").write_text(recipe.replace("observers: {}", "observers: {mlflow: {}}"))
    environment = json.loads((directory / "environment.json").read_text())
    (directory / "environment.json").write_text(json.dumps({**environment, "study": "mine"}))
    results = toonlab.Results.from_study(toonlab.Results.read(study / "mine"), catalogue)
    conclude(results, f"sqlite:///{tmp_path}/mine.db")
    assert results.report == study / "mine" / "report.html"
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mine.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    artifacts = [
        file.path for run in client.search_runs(experiments) for file in client.list_artifacts(run.info.run_id)
    ]
    assert "report.html" in artifacts
