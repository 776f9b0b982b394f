"""The run of a whole study: above its runs, once, and with the report."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from toonlab.registry.observers import Observers
from toonlab.types import Run
from toonlab_mlflow import MLflow
from toonlab_mlflow.parent import STUDY

patient = partial(MLflow, patience=240.0)


def of_study(run: Run, seed: int) -> Run:
    identity = f"{seed}a2b3c4d" + run.identity[8:]
    made = replace(run, seed=seed, identity=identity, environment={**run.environment, "study": "patches-0f"})
    (made.directory / "samples").mkdir(parents=True, exist_ok=True)
    return made


def test_the_runs_of_a_study_stand_under_one_and_the_report_is_its_artifact(
    run: Run, uri: str, life: Any, store: Any
) -> None:
    runs = [of_study(run, seed) for seed in (0, 1)]
    for one in runs:
        life(one, patient()).end(1)
    report = run.root / "report.html"
    report.write_text("<p>what came out</p>", encoding="utf-8")
    Observers({"mlflow": MLflow()}).notify("on_report", run=runs[0], path=report)
    (parent,) = [tracked for tracked in store(uri).runs() if STUDY in tracked.data.tags]
    children = [tracked for tracked in store(uri).runs() if STUDY not in tracked.data.tags]
    assert (parent.info.run_name, parent.info.status) == ("patches-0f", "FINISHED")
    assert [child.data.tags["mlflow.parentRunId"] for child in children] == [parent.info.run_id] * 2
    client = store(uri).client
    assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["report.html"]


def test_a_run_of_no_study_stands_by_itself(run: Run, uri: str, life: Any, store: Any) -> None:
    life(run, patient()).end(1)
    assert "mlflow.parentRunId" not in store(uri).the_run().data.tags
