"""The tables of README and docs are those of the committed results."""

import json
import re
from pathlib import Path

import pytest
from make_results import PAGES, RESULTS, tables, take, written

from toonlab.studies.results.results import FILE, StudyResults

SHOWN = {page: list(tables(page)) for page in PAGES}


@pytest.mark.parametrize("page", [page for page, names in SHOWN.items() if names], ids=lambda page: page.name)
def test_a_page_shows_the_committed_results(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == written(page), "run docs/make_results.py"


def test_all_committed_results_are_shown_and_small() -> None:
    committed = {path.parent.name for path in RESULTS.glob(f"*/{FILE}")}
    assert committed == {name for names in SHOWN.values() for name in names} != set()
    assert all(path.stat().st_size < 1_000_000 for path in RESULTS.rglob("*"))


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_committed_results_name_no_folder_of_a_machine(path: Path) -> None:
    assert re.findall(r'"(?:[a-z]+:/)?/[^"]*"', path.read_text(encoding="utf-8")) == []


def test_a_changed_number_changes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = next(page for page, names in SHOWN.items() if names)
    name = SHOWN[page][0]
    monkeypatch.setattr("make_results.RESULTS", tmp_path)
    for file in (RESULTS / name).iterdir():
        text = file.read_text(encoding="utf-8")
        if file.name == FILE:
            record = json.loads(text)
            outcome = record["cells"][0]["outcome"]
            outcome["metrics"][record["metrics"][0]] += 0.5
            text = json.dumps(record)
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / file.name).write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") != written(page)


def test_results_are_taken_with_the_words_that_they_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = RESULTS / next(names for names in SHOWN.values() if names)[0]
    before = StudyResults.read(study)
    runs = tmp_path / "runs" / study.name
    (runs / before.cells[0].run).mkdir(parents=True)
    (runs / FILE).write_text((study / FILE).read_text(encoding="utf-8"), encoding="utf-8")
    environment = {"device_name": "A", "cpus": 4, "versions": {"torch": "3"}, "date": "2030-01-02T03:04:05+00:00"}
    (runs / before.cells[0].run / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    monkeypatch.setattr("make_results.RESULTS", tmp_path / "results")
    take(runs)
    after = StudyResults.read(tmp_path / "results" / study.name)
    assert {label: one.word for label, one in after.verdicts.items()} == {
        label: one.word for label, one in before.verdicts.items()
    }
    judged = {before.metrics[0], *before.guards}
    for cell in after.cells:  # the photos' as well, which are the floor
        assert judged == set(cell.outcome["scores"]) == set(cell.outcome["photo_scores"])
    kept = json.loads((tmp_path / "results" / study.name / "environment.json").read_text(encoding="utf-8"))
    assert kept == {"hardware": "A, 4 cores", "torch": "3", "date": "2030-01-02"}
