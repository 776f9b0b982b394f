"""Curves over steps and seconds come from what the runs have logged."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from toonlab.report.history import LOSS, Records, by_step, elapsed, histories
from toonlab.studies.results.results import CellResult, StudyResults, Variant


def curves(results: StudyResults, name: str) -> list[tuple[str, Records]]:
    """The records that have a value, of each run that has some."""
    found = [(label, [one for one in records if name in one]) for label, records in histories(results)]
    return [(label, kept) for label, kept in found if kept]


def test_every_finished_run_has_a_curve_of_what_it_was_evaluated_at(study: StudyResults) -> None:
    found = curves(study, "lines")
    assert [(label, [one["step"] for one in kept]) for label, kept in found if label != "untouched"] == [
        ("patches", [1, 2, 3]),
        ("lone", [1, 2, 3]),
        ("patches", [1, 2, 3]),
        ("lone", [1, 2, 3]),
        ("patches", [1, 2, 3]),
    ]
    assert all(-1 <= one["lines"] <= 1 for _, kept in found for one in kept)
    seconds = [[one["seconds"] for one in kept] for _, kept in found]
    assert all(own == sorted(own) for own in seconds)
    assert len(curves(study, LOSS)) == 5


def test_losses_and_metrics_of_a_step_are_one_record(study: StudyResults) -> None:
    records = by_step(study.directory / study.cells[0].run)
    assert [record["step"] for record in records] == [1, 2, 3]
    assert all({"seconds", LOSS, "lines", "psnr"} <= record.keys() for record in records)


def test_time_between_two_lives_is_no_training() -> None:
    assert elapsed([100.0, 110.0, 120.0], began=95.0) == [5.0, 15.0, 25.0]
    assert elapsed([100.0, 110.0, 120.0], began=None) == [0.0, 10.0, 20.0]
    assert elapsed([100.0, 110.0, 1000.0, 1010.0], began=990.0) == [0.0, 10.0, 20.0, 30.0]
    assert elapsed([], began=5.0) == []


def test_seconds_count_from_the_beginning_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "a-s0").mkdir()
    began = datetime.fromtimestamp(1000, UTC).isoformat()
    (tmp_path / "a-s0" / "environment.json").write_text(json.dumps({"date": began}))
    line = json.dumps({"step": 5, "time": 1007.5, "evaluation": {"f": 0.25}})
    (tmp_path / "a-s0" / "metrics.jsonl").write_text(f'{line}\n{{"step": 6, "ti')
    cell = CellResult(Variant("a"), 0, "a-s0", "finished")
    assert curves(StudyResults("s", tmp_path, [cell]), "f") == [
        ("a", [{"step": 5, "seconds": pytest.approx(7.5), "f": 0.25}])
    ]
    assert curves(StudyResults("s", tmp_path, [replace(cell, status="failed")]), "f") == []
