"""A page whose inputs have not changed stays; any change of what it shows makes a new one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from toonlab.report import write_report
from toonlab.report.inputs import fingerprint, is_current
from toonlab.studies.results.results import CellResult, StudyResults, Variant
from toonlab.types import Outcome


@pytest.fixture
def results(tmp_path: Path) -> StudyResults:
    outcome = Outcome("finished", 3, 1.0, metrics={"f1": 0.5}).to_json()
    cells = [CellResult(Variant(name), 0, f"{name}-s0-0", "finished", outcome=outcome) for name in "ab"]
    for cell in cells:
        (tmp_path / "study" / cell.run).mkdir(parents=True)
        (tmp_path / "study" / cell.run / "metrics.jsonl").write_text("")
    return StudyResults("study", tmp_path / "study", cells, metrics=["f1"])


def with_file(found: StudyResults, path: str) -> StudyResults:
    """The same results, after a change of a file in the study's directory."""
    (found.directory / path).parent.mkdir(exist_ok=True)
    (found.directory / path).write_text("{}\n")
    return found


CHANGES: dict[str, Callable[[StudyResults], StudyResults]] = {
    "value": lambda found: replace(found, cells=[replace(found.cells[0], seed=7), found.cells[1]]),
    "about": lambda found: replace(found, about="another question"),
    "metrics": lambda found: with_file(found, "a-s0-0/metrics.jsonl"),
    "pictures": lambda found: with_file(found, "b-s0-0/pictures/index.json"),
    "log": lambda found: with_file(found, "logs/a-s0-0.log"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_a_page_shows_is_part_of_its_inputs(results: StudyResults, change: str) -> None:
    before = fingerprint(results)
    assert fingerprint(results) == before
    assert is_current(write_report(results), before)
    assert fingerprint(CHANGES[change](results)) != before


def test_results_that_are_found_again_are_the_same_inputs(results: StudyResults) -> None:
    again = replace(results, cells=[replace(cell, reused=True) for cell in results.cells])
    assert fingerprint(again) == fingerprint(results)


def test_a_page_names_its_inputs_in_its_head(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert not is_current(page, "ab")
    page.write_text('<head><meta name="toonlab-inputs" content="ab"></head>')
    assert is_current(page, "ab")
    assert not is_current(page, "cd")
    page.write_bytes(b"\xff" * 50)
    assert not is_current(page, "ab")


def test_a_current_page_is_not_written_again_and_another_is(results: StudyResults) -> None:
    page = write_report(results)
    os.utime(page, ns=(1, 1))
    assert write_report(results) == page
    assert page.stat().st_mtime_ns == 1
    page.with_name("table.csv").unlink()
    write_report(results)
    assert page.stat().st_mtime_ns != 1
    os.utime(page, ns=(1, 1))
    write_report(replace(results, about="another question"))
    assert page.stat().st_mtime_ns != 1
