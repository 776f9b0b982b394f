"""Runs and studies on standard output."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import toonlab
from toonlab.api import console
from toonlab.registry.catalogue import Catalogue

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def tracked(run: toonlab.TrainedRun, tmp_path: Path) -> toonlab.TrainedRun:
    """The run, with MLflow among its observers."""
    directory = tmp_path / "runs" / "odd" / run.name
    shutil.copytree(run.directory, directory)
    recipe = (directory / "recipe.yaml").read_text()
    (directory / "recipe.yaml").write_text(recipe.replace("observers: {}", "observers: {mlflow: {}}"))
    return toonlab.open_run(directory)


def test_a_run_ends_with_its_paths_in_order(run: toonlab.TrainedRun, capsys: Captured) -> None:
    console.show_run(run)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [f"samples: {run.samples[-1]}", f"run:     {run.directory}", f"weights: {run.weights}"]
    assert lines[0].rstrip() == run.name  # the table's title


def test_a_reused_run_and_a_stopped_one_say_so_first(
    run: toonlab.TrainedRun, tracked: toonlab.TrainedRun, capsys: Captured
) -> None:
    console.show_run(toonlab.TrainedRun.of(run, reused=True))
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"{run.name}: finished before, not run again; delete {run.directory} to train it again"
    path = tracked.directory / "outcome.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "stopped", "reason": "enough"}))
    console.show_run(tracked)
    assert capsys.readouterr().out.startswith("stopped at step 4: enough\n")


def test_trackers_say_where_the_run_is(tracked: toonlab.TrainedRun, capsys: Captured) -> None:
    console.show_run(tracked)
    assert f"MLflow:  sqlite:///{tracked.root}/mlflow.db" in capsys.readouterr().out
    console.show_run(tracked, "http://localhost:5000")
    assert capsys.readouterr().out.endswith("MLflow:  http://localhost:5000\n")


def test_a_study_has_its_table_and_the_files_that_exist(
    run: toonlab.TrainedRun, catalogue: Catalogue, capsys: Captured, tmp_path: Path
) -> None:
    results = study_of(run, catalogue)
    console.show_table(results)
    console.show_paths(results)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].rstrip() == "<b>odd"
    assert lines[-2:] == [f"table:   {results.directory / 'results.md'}", f"runs:    {results.directory}"]
    assert "report:" not in captured.out
    console.show_table(results)
    assert captured.out.startswith(capsys.readouterr().out)
    console.show_report(results, tmp_path / "page.html")
    names = ("page.html", "table.csv", "table.md", "table.tex")
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == [str(tmp_path / n) for n in names]


def test_failures_go_to_standard_error(run: toonlab.TrainedRun, catalogue: Catalogue, capsys: Captured) -> None:
    results = study_of(run, catalogue)
    (cell,) = results.cells
    failed = replace(cell, seed=1, run="gone", status="failed", reason="too hot")
    console.show_paths(toonlab.Results.from_study(replace(results, cells=[cell, failed]), catalogue))
    assert capsys.readouterr().err == "failed: <b>odd, seed 1: too hot\n"


def study_of(run: toonlab.TrainedRun, catalogue: Catalogue) -> toonlab.Results:
    """A study whose only cell is the run."""
    record = {
        "variant": {"recipe": run.recipe_name, "levels": {}},
        "seed": 0,
        "run": run.name,
        "status": "finished",
        "log": [],
        "outcome": run.outcome.to_json(),
    }
    directory = run.directory.parent
    (directory / "results.json").write_text(
        json.dumps({"name": run.experiment, "cells": [record], "metrics": ["lines"], "higher": {"lines": True}})
    )
    found = toonlab.Results.read(directory)
    (directory / "results.json").unlink()
    return toonlab.Results.from_study(found, catalogue)
