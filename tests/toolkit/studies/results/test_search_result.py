"""The result of a search is the same in Python and in JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from toonlab.errors import ToonlabError
from toonlab.studies.results.results import StudyResults
from toonlab.studies.results.search_result import SearchResult, SearchTrial

TRIALS = [
    SearchTrial(0, {"k": 2}, True, "complete", 0.5, {"0": 0.4, "1": 0.6}, {"1000": 0.4}, 12.5),
    SearchTrial(1, {"k": 9}, state="infeasible", reason="k=9: too many"),
]
SEARCH = SearchResult(
    "ctss",
    {"metric": "f1", "direction": "maximize"},
    {"k": {"low": 1, "high": 9}},
    "random",
    "none",
    2,
    {"k": 2},
    TRIALS,
    {"k": 1.0},
    "sqlite:///optuna.db",
    "study-01234567",
)


def test_the_keys_of_the_file_are_those_that_reports_of_older_studies_have() -> None:
    record = json.loads(json.dumps(asdict(SEARCH)))
    assert list(record) == [
        *("recipe", "objective", "space", "sampler", "pruner", "seeds_per_trial", "default", "trials"),
        *("importances", "storage", "study"),
    ]
    assert list(record["trials"][0]) == [
        *("number", "params", "default", "state", "value", "seeds", "intermediate", "seconds", "reason")
    ]
    assert SearchResult.from_json(record) == SEARCH


def test_a_study_is_read_with_its_search(tmp_path: Path) -> None:
    StudyResults("s", tmp_path / "s", [], "tune", search=SEARCH).write()
    read = StudyResults.read(tmp_path / "s")
    assert read.search == SEARCH
    file = tmp_path / "s" / "results.json"
    file.write_text(file.read_text().replace('"sampler"', '"simpler"'))
    with pytest.raises(ToonlabError, match=r"not the results of a study: .*'simpler'; run the study again"):
        StudyResults.read(tmp_path / "s")
