"""A study's own run in a real MLflow store: what stands there, and what a second time adds."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from toonlab import Outcome, Run
from toonlab.registry.observers import Observers
from toonlab.studies.results.results import CellResult, SearchResult, SearchTrial, StudyResults, Variant
from toonlab_mlflow import MLflow
from toonlab_mlflow.store import PARENT, STUDY
from toonlab_mlflow.study_sync import TRIAL

ENDED = 1_767_323_400  # 2026-01-02T03:10:00Z
SHARE = 0.47404814449621233


@pytest.fixture
def study(uri: str, life: Any, study_run: Any) -> tuple[list[Run], StudyResults]:
    """Two finished runs that MLflow has, and the study's results and report."""
    runs = [study_run(seed) for seed in (0, 1)]
    cells = []
    for seed, one in enumerate(runs):
        outcome = life(one, MLflow(patience=240)).end(1)
        os.utime(one.directory / "outcome.json", (ENDED + seed, ENDED + seed))
        metrics = {"metrics": {"lines": 0.25 + seed}, "photo": {"lines": 0.125}, "costs": {}, "measured": {}}
        found = {**outcome.to_json(), **metrics}
        cells.append(CellResult(Variant("ctss", {"share": SHARE}), seed, one.name, "finished", outcome=found))
    results = StudyResults(
        "demo", runs[0].directory.parent, cells, about="patches", metrics=["lines"], higher={"lines": True}
    )
    results.write()
    (results.directory / "report.html").write_text("<p>what came out</p>", encoding="utf-8")
    (results.directory / "table.md").write_text("| method | lines |\n| --- | ---: |\n", encoding="utf-8")
    return runs, results


def reported(one: Run, **parameters: Any) -> None:
    observers = Observers({"mlflow": MLflow(**parameters)})
    observers.notify("on_report", run=one, path=one.directory.parent / "report.html")


def parent_in(shown: Any) -> Any:
    (found,) = [tracked for tracked in shown.runs() if STUDY in tracked.data.tags]
    return found


def test_a_studys_run_has_its_means_its_table_and_its_times(study: Any, uri: str, store: Any) -> None:
    runs, _ = study
    for one in runs:  # the times that MLflow was told at the end are those of the files
        store(uri).client.set_terminated(tracked(store(uri), one), end_time=(ENDED + one.seed) * 1000)
    reported(runs[0])
    parent = parent_in(store(uri))
    assert (parent.info.run_name, parent.info.status) == ("patches-0f", "FINISHED")
    assert (parent.info.start_time, parent.info.end_time) == (1_767_322_800_000, (ENDED + 1) * 1000)
    assert parent.data.metrics == {
        "variants/lines/ctss _share 0.474_": 0.75,
        "variants/lines/the unmodified photo": 0.125,
        "variants/seconds/ctss _share 0.474_": 3.0,
    }
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith(
        f"patches\n\n[The report](#/experiments/1/runs/{parent.info.run_id}/artifacts/report.html)\n\n| m"
    )
    assert parent.data.tags["mlflow.source.name"] == "toonlab compare patches"
    assert [file.path for file in store(uri).client.list_artifacts(parent.info.run_id)] == ["report.html"]
    children = [tracked for tracked in store(uri).runs() if STUDY not in tracked.data.tags]
    assert [child.data.tags[PARENT] for child in children] == [parent.info.run_id] * 2


def test_variants_that_differ_in_the_fourth_digit_keep_means_of_their_own(study: Any, uri: str, store: Any) -> None:
    runs, results = study
    close = Variant("ctss", {"share": SHARE + 1e-5})
    replace(results, cells=[results.cells[0], replace(results.cells[1], variant=close)]).write()
    reported(runs[0])
    found = parent_in(store(uri)).data.metrics
    lines = {name: value for name, value in found.items() if name.startswith("variants/lines/ctss")}
    assert lines == {
        f"variants/lines/ctss _share {SHARE}_": 0.25,
        f"variants/lines/ctss _share {SHARE + 1e-5}_": 1.25,
    }


def tracked(shown: Any, one: Run) -> str:
    return next(str(each.info.run_id) for each in shown.runs() if each.info.run_name == one.name)


def test_shown_again_a_study_is_as_old_as_before_and_has_each_value_once(study: Any, uri: str, store: Any) -> None:
    runs, results = study
    reported(runs[0])
    before = parent_in(store(uri))
    (results.directory / "report.html").write_text("<p>the same in other words</p>", encoding="utf-8")
    reported(runs[1])
    after = parent_in(store(uri))
    assert (after.info.start_time, after.info.end_time) == (before.info.start_time, before.info.end_time)
    assert set(store(uri).points(after).values()) == {1}
    assert after.data.tags == before.data.tags


def test_sync_makes_a_study_in_another_store_when_it_has_its_last_run(
    study: Any, tables: Path, store: Any, tmp_path: Path
) -> None:
    runs, _ = study
    other = f"sqlite:///{tmp_path}/other.db"
    (tmp_path / "other.db").write_bytes(tables.read_bytes())
    for one, last in zip(runs, (False, True), strict=True):
        Observers({"mlflow": MLflow(other)}).notify("sync", run=one, outcome=Outcome("finished", 1, 3.0))
        assert bool(parent_in(store(other)).data.metrics) is last
    parent = parent_in(store(other))
    assert parent.info.start_time == 1_767_322_800_000
    assert parent.info.status == "FINISHED"


TRIALS = [
    {"number": 0, "params": {}, "default": True, "value": 0.5, "intermediate": {"10": 0.4, "20": 0.5}, "seconds": 60},
    {"number": 1, "params": {"critics.patch.k": 4}, "state": "pruned", "intermediate": {"10": 0.1}, "reason": "pruned"},
    {"number": 2, "params": {"critics.patch.k": 8}, "state": "infeasible", "reason": "k is too large"},
    {"number": 3, "params": {"critics.patch.k": 2}, "state": "running"},
]


def test_the_trials_of_a_search_stand_under_it_with_parameters_values_and_states(
    study: Any, uri: str, store: Any
) -> None:
    runs, results = study
    trials = TypeAdapter(list[SearchTrial]).validate_python(TRIALS)
    search = SearchResult("ctss", {"metric": "lines", "direction": "maximize"}, {}, trials=trials)
    for text, count in (("first", 3), ("second", 4)):
        replace(results, search=search).write()
        (results.directory / "report.html").write_text(text, encoding="utf-8")
        reported(runs[0])
        found = [one for one in store(uri).runs() if TRIAL in one.data.tags]
        assert len(found) == count
        search = replace(search, trials=[*trials[:3], replace(trials[3], state="complete", value=0.7)])
    by_name = {one.info.run_name: one for one in found}
    default, pruned = by_name["trial 0 (default)"], by_name["trial 1"]
    history = store(uri).client.get_metric_history(default.info.run_id, "trial/value")
    assert [(point.step, point.value) for point in history] == [(10, 0.4), (20, 0.5)]
    assert default.info.end_time - default.info.start_time == 60_000
    assert (pruned.data.params, pruned.data.metrics) == ({"critics.patch.k": "4"}, {"trial/value": 0.1})
    states = {name: (one.info.status, one.data.tags["state"]) for name, one in by_name.items()}
    assert states == {
        "trial 0 (default)": ("FINISHED", "complete"),
        "trial 1": ("KILLED", "pruned"),
        "trial 2": ("KILLED", "infeasible"),
        "trial 3": ("FINISHED", "complete"),
    }
    assert by_name["trial 2"].data.tags["reason"] == "k is too large"
    assert {one.data.tags[PARENT] for one in found} == {parent_in(store(uri)).info.run_id}


def test_trials_of_several_recipes_and_objectives_are_told_apart(study: Any, uri: str, store: Any) -> None:
    runs, results = study
    trials = TypeAdapter(list[SearchTrial]).validate_python(
        [{"number": 0, "params": {}, "value": 0.5, "values": {"lines": 0.5, "content_ssim": 0.9}}]
    )
    one = SearchResult("ctss", {"metric": "lines", "direction": "maximize"}, {}, trials=trials)
    others = [replace(one, control="random"), replace(one, recipe="plain")]
    replace(results, search=one, further=others).write()
    reported(runs[0])
    reported(runs[1])
    found = {run.info.run_name: run for run in store(uri).runs() if TRIAL in run.data.tags}
    assert sorted(found) == ["ctss random trial 0", "ctss trial 0", "plain trial 0"]
    assert found["plain trial 0"].data.metrics == {"trial/value": 0.5, "trial/lines": 0.5, "trial/content_ssim": 0.9}
