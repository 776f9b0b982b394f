"""Times of steps, measured before a study with a budget of seconds: once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toonlab import discover
from toonlab.errors import ToonlabError
from toonlab.studies.compare import compare, explain
from toonlab.studies.executors.display import Display
from toonlab.studies.executors.options import ExecutionOptions, session
from toonlab.studies.plan.budget import trained_of
from toonlab.studies.plan.experiment import plan_cells, read_experiment
from toonlab.studies.timing import CAVEAT, kept, measure


@pytest.fixture
def study(small: Path) -> Path:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    (small.parent / "study.yaml").write_text(
        "recipes: [small, lone]\nseeds: 2\nset: {train.steps: 20, evaluate.samples: 2, observers: null}\n"
        "metrics: {primary: lines}\nbudget: seconds\n"
    )
    return small.parent / "study.yaml"


def states(study: Path, runs: Path) -> list[str]:
    return [
        line.partition(": ")[2].partition(" (")[0]
        for line in explain(str(study), discover(), ExecutionOptions(runs))
        if not line.startswith("to train: ")
    ]


def test_steps_are_timed_once_and_what_was_measured_decides_from_then_on(study: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert states(study, runs) == ["has not run yet; a step has to be timed first"] * 4
    assert not runs.exists()  # nothing ran
    first = compare(str(study), discover(), ExecutionOptions(runs, parameters={"device": "cpu"}), seeds=1)
    file = runs / "study" / "budget.json"
    timings = json.loads(file.read_text())
    seconds = {timing["variant"]: timing["seconds_per_step"] for timing in timings.values()}
    assert seconds.keys() == {"small", "lone"}
    assert first.steps == {"small": 20, "lone": max(2, round(20 * seconds["small"] / seconds["lone"]))}
    assert [cell.outcome["step"] for cell in first.cells] == [20, first.steps["lone"]]
    assert first.budget == "seconds"
    assert [row.note for row in first.rows[1:]] == ["20 steps", f"{first.steps['lone']} steps"]
    assert CAVEAT in (runs / "study" / "results.md").read_text()
    assert not list(runs.glob("study/budget-*"))  # short runs leave nothing else
    assert states(study, runs) == ["finished", "finished", "has not run yet", "has not run yet"]
    for timing in timings.values():
        timing["seconds_per_step"] = {"small": 0.5, "lone": 1.0}[timing["variant"]]
    file.write_text(json.dumps(timings))
    changed = compare(str(study), discover(), ExecutionOptions(runs, parameters={"device": "cpu"}), seeds=1)
    assert changed.steps == {"small": 20, "lone": 10}
    assert [cell.reused for cell in changed.cells] == [True, False]
    assert json.loads(file.read_text()) == timings
    file.write_text("[1, 2]")
    with pytest.raises(ToonlabError, match=r"budget\.json: can.t be read: got .*; delete it to measure again"):
        compare(str(study), discover(), ExecutionOptions(runs, parameters={"device": "cpu"}), seeds=1)


def test_variants_that_were_timed_are_not_timed_again(study: Path, tmp_path: Path) -> None:
    experiment, path = read_experiment(str(study))
    catalogue, directory = discover(), tmp_path / "study"
    cells = list(trained_of(plan_cells(experiment, path, {}, catalogue)).values())
    with session(catalogue.make("executors", "local", jobs=2, device="cpu")) as connect:
        first = measure(cells[:1], catalogue, directory, connect, Display())
        second = measure(cells, catalogue, directory, connect, Display())
    assert first.keys() == {"small"}
    assert second == first | {"lone": second["lone"]}
    assert kept(cells, catalogue, directory) == second


def test_a_variant_that_cannot_be_timed_is_named(study: Path, tmp_path: Path) -> None:
    (study.parent / "sick.yaml").write_text("extends: lone\ngenerator: {optimizer: {use: Adam, lr: 1e30}}\n")
    study.write_text(study.read_text().replace("small, lone", "sick"))
    with pytest.raises(ToonlabError, match=r"budget: seconds: short run of sick failed: diverged at step \d"):
        compare(str(study), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert not list(tmp_path.glob("runs/study/sick-*"))
