"""What is sent of a run directory, and what is known to be there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from toonlab import Outcome, Run
from toonlab.runs.directory import MetricsFile, write_outcome
from toonlab_mlflow.directory import TAG, read_key
from toonlab_mlflow.run_sync import RunSync, datasets
from toonlab_mlflow.store import Store


@pytest.fixture
def opened(run: Run, uri: str) -> Store:
    return Store(uri, "demo", run.root)


def log(run: Run, steps: range) -> None:
    file = MetricsFile(run.directory / "metrics.jsonl", keep=steps.start - 1)
    for step in steps:
        file.write(step, "scalars", {"loss": 1 / step})
    file.close()


def test_the_mlflow_run_carries_the_directorys_key_and_is_found_by_it(run: Run, opened: Store) -> None:
    first = RunSync(opened, run)
    (found,) = opened.find(TAG, str(read_key(run.directory)))
    assert found.info.run_id == first.run_id == RunSync(opened, run).run_id


def test_each_update_sends_what_is_new_since_the_last(run: Run, opened: Store, store: Any, uri: str) -> None:
    run_sync = RunSync(opened, run)
    run_sync.update()
    assert run_sync.sent["points"] == 0
    log(run, range(1, 4))
    run_sync.update()
    run_sync.update()
    assert run_sync.sent["points"] == 3
    assert store(uri).history("train/loss") == [(step, 1 / step) for step in (1, 2, 3)]


def test_another_one_knows_what_is_there(run: Run, opened: Store, store: Any, uri: str) -> None:
    log(run, range(1, 6))
    RunSync(opened, run).update()
    log(run, range(4, 9))  # resumed at the checkpoint of step 3
    later = RunSync(opened, run)
    later.update()
    assert later.sent["points"] == 3
    assert later.sent["parameters"] == 0
    assert store(uri).history("train/loss") == [(step, 1 / step) for step in range(1, 9)]


def test_it_shows_a_run_as_running_only_if_it_is(run: Run, opened: Store, store: Any, uri: str) -> None:
    outcome = Outcome("failed", 1, 1.0, "loss is nan")
    write_outcome(run.directory, outcome)
    RunSync(opened, run).finish(outcome)
    RunSync(opened, run)
    assert (store(uri).the_run().info.status, store(uri).the_run().data.tags["outcome.reason"]) == (
        "FAILED",
        "loss is nan",
    )
    resumed = RunSync(opened, run, running=True)
    assert store(uri).the_run().info.status == "RUNNING"
    assert "outcome.reason" not in store(uri).the_run().data.tags
    resumed.finish(Outcome("finished", 2, 2.0))
    assert store(uri).the_run().info.status == "FINISHED"


def test_tags_that_a_run_lacks_are_added_and_the_others_stay(run: Run, opened: Store, store: Any, uri: str) -> None:
    RunSync(opened, replace(run, environment={}))
    assert "device" not in store(uri).the_run().data.tags
    RunSync(opened, replace(run, environment={"device": "cuda"}))
    RunSync(opened, replace(run, environment={"device": "cpu"}))
    assert store(uri).the_run().data.tags["device"] == "cuda"
    assert store(uri).the_run().data.tags["recipe"] == "ctss"


def test_a_run_of_a_study_stands_under_the_studys(run: Run, opened: Store, store: Any, uri: str) -> None:
    of_study = replace(run, environment={**run.environment, "study": "patches"})
    child = RunSync(opened, of_study).run_id
    tags = {one.info.run_id: one.data.tags for one in store(uri).runs()}
    assert tags[child]["mlflow.parentRunId"] == opened.study_run(of_study)


def test_the_data_stand_there_with_a_hash_and_the_command_as_the_source(
    run: Run, opened: Store, store: Any, uri: str
) -> None:
    identity = {"code": {"toonlab": "f2bb"}, "distributions": ["toonlab 0.1.0"], "data": {"size": 32}, "film": {"n": 3}}
    about = {"command": "toonlab train ctss", "commit": "89e62eb", "identity": identity}
    of_data = replace(run, environment={**run.environment, **about})
    for _ in range(2):
        RunSync(opened, of_data)
    inputs = {one.dataset.name: one for one in store(uri).the_run().inputs.dataset_inputs}
    assert inputs.keys() == {"toonworld", "film"}
    world = inputs["toonworld"]
    assert (world.dataset.profile, len(world.dataset.digest)) == ('{"size": 32}', 32)
    assert (world.dataset.source, world.tags[0].value) == ('{"use": "toonworld", "style": "storybook"}', "training")
    other = replace(run, seed=1, environment={"identity": {"data": {"size": 64}}})
    other.directory.mkdir()
    assert datasets(other)[0].dataset.digest != world.dataset.digest
    tags = store(uri).the_run().data.tags
    assert tags["mlflow.loggedImages"] == "True"  # else its charts have no image grid
    assert (tags["mlflow.source.name"], tags["mlflow.source.git.commit"]) == ("toonlab train ctss", "89e62eb")
