"""What is written down of a study before it runs, when that is refused, and what a report finds changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from toonlab.errors import ToonlabError
from toonlab.studies.results.registration import FILE, read, register, terms
from toonlab.studies.results.results import CellResult, StudyResults, Variant


@pytest.fixture
def study(tmp_path: Path) -> StudyResults:
    labels = ("plain", "ctss", "dots")
    cells = [CellResult(Variant(label), seed, f"{label}-s{seed}-0") for seed in (0, 1) for label in labels]
    return StudyResults(
        "study",
        tmp_path / "study",
        cells,
        asked={"recipes": ["plain", "ctss"], "factors": {"size": {64: {}, 128: {}}}},
        metrics=["lines", "surfaces"],
        higher={"lines": True, "surfaces": True},
        baseline="plain",
        guards=["surfaces"],
        floors=["dots"],
    )


def test_a_study_that_keeps_its_terms_has_changed_nothing(study: StudyResults) -> None:
    register(study)
    found = read(study.directory)
    assert found is not None
    assert found.changed(study) == []
    assert found.terms.hypotheses == ["ctss"]
    assert (found.terms.seeds, found.terms.max_seeds, found.terms.guards) == ([0, 1], None, ["surfaces"])
    study.write()
    assert found.changed(StudyResults.read(study.directory)) == []  # names of levels are text there
    before = (study.directory / FILE).read_bytes()
    register(study)  # again, as the same command does
    assert (study.directory / FILE).read_bytes() == before


def test_each_term_that_changes_is_named(study: StudyResults) -> None:
    register(study)
    found = read(study.directory)
    assert found is not None
    assert found.changed(replace(study, margin=0.1)) == ["margin"]
    assert found.changed(replace(study, metrics=["psnr"], asked={})) == ["file", "primary"]
    assert found.changed(study.with_cells(study.cells[:3])) == ["seeds"]
    assert found.changed(replace(study, max_seeds=24)) == ["seeds", "max_seeds"]
    assert terms(replace(study, max_seeds=24)).seeds == []


def test_a_registration_is_never_overwritten(study: StudyResults) -> None:
    register(study)
    with pytest.raises(ToonlabError, match=r"registration\.json: --register: registered on .* other terms \(margin\)"):
        register(replace(study, margin=0.1))


def test_a_study_with_finished_runs_can_not_be_registered(study: StudyResults) -> None:
    for name, status in (("a", "failed"), ("b", "finished")):
        (study.directory / name).mkdir(parents=True)
        (study.directory / name / "outcome.json").write_text(json.dumps({"status": status, "step": 1, "seconds": 1.0}))
    with pytest.raises(ToonlabError, match="1 run of this study finished before; a study is registered before it runs"):
        register(study)
    assert read(study.directory) is None
    (study.directory / "b" / "outcome.json").unlink()
    register(study)  # a failed run has shown nothing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"date": "soon"}, "date: "),
        ({"terms": {}}, "terms.file: field required"),
        ({"more": 1}, "more: got 1"),
    ],
)
def test_a_damaged_registration_is_one_line(study: StudyResults, change: dict[str, object], says: str) -> None:
    register(study)
    path = study.directory / FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ToonlabError) as caught:
        read(study.directory)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
