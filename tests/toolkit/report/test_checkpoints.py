"""The table of checkpoints that could have been chosen, of studies that have been trained and of made up courses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from toonlab.engine.train import train
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.report import write_report
from toonlab.report.checkpoints import audit
from toonlab.report.findings import Findings
from toonlab.runs.directory import read_metrics
from toonlab.studies.results.results import CellResult, StudyResults, Variant

Course = Sequence[tuple[float, float | None]]  # at each evaluation: on validation, and on test if audited
Draw = Callable[..., Findings]


@pytest.fixture
def drawn(made: Draw, tmp_path: Path) -> Draw:
    """`drawn({"a": [(0.1, 0.2), (0.3, 0.1)]})`: findings of one seed with these courses of lines."""

    def draw(courses: Mapping[str, Course], **others: Any) -> Findings:
        found = made({label: [course[-1][1] or course[-1][0]] for label, course in courses.items()}, **others)
        for cell in found.results.cells:
            directory = tmp_path / "made" / cell.run
            directory.mkdir(parents=True)
            lines = [
                {"step": 10 * n, "time": 1.0, "evaluation": {"lines": validation}}
                | ({"audit": {"lines": test}} if test is not None else {})
                for n, (validation, test) in enumerate(courses[cell.variant.label], 1)
            ]
            (directory / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return found

    return draw


def test_each_choice_is_measured_on_the_test_samples(drawn: Draw) -> None:
    found = audit(drawn({"a": [(0.1, 0.5), (0.4, 0.3), (0.2, 0.2)], "b": [(0.1, 0.25), (0.2, 0.3), (0.3, 0.35)]}))
    assert found.tested
    assert found.rows == {"a": [0.2, 0.3, 0.5], "b": [0.35, 0.35, 0.35]}
    assert found.flips() == [("a", "b")]  # b leads by the last, a by the oracle
    assert found.sentences[1] == "The choice flips the order of a and b."


def test_where_less_is_better_the_best_is_the_least(drawn: Draw) -> None:
    found = audit(drawn({"a": [(0.4, 0.5), (0.1, 0.3), (0.2, 0.2)]}, higher={"lines": False}))
    assert found.rows == {"a": [0.2, 0.3, 0.2]}


def test_an_order_that_each_choice_has_is_no_flip_and_neither_is_a_tie(drawn: Draw) -> None:
    found = audit(drawn({"a": [(0.2, 0.5), (0.1, 0.4)], "b": [(0.1, 0.4), (0.2, 0.4)], "c": [(0.1, 0.1)]}))
    assert found.rows == {"a": [0.4, 0.5, 0.5], "b": [0.4, 0.4, 0.4], "c": [0.1, 0.1, 0.1]}
    assert found.sentences[1:] == ["The order of the methods is the same by each choice."]


def test_without_an_audit_the_oracle_is_unknown(drawn: Draw) -> None:
    found = audit(
        drawn({"a": [(0.4, 0.5), (0.1, None), (0.2, 0.1)], "b": [(0.3, 0.5), (0.3, 0.5)], "c": [(0.9, None)]})
    )
    assert not found.tested
    assert found.rows == {"a": [0.2, 0.4], "b": [0.3, 0.3]}  # c, with one evaluation, had no choice
    assert found.flips() == [("a", "b")]
    assert "so the oracle is unknown; evaluate.audit: true measures them" in found.sentences[0]


def test_runs_that_were_evaluated_once_had_no_choice(drawn: Draw) -> None:
    found = audit(drawn({"a": [(0.4, None)], "b": [(0.3, None)]}))
    assert (found.rows, found.flips()) == ({}, [])
    assert found.sentences[0].startswith("Every run was evaluated once")


def test_a_run_whose_last_value_is_missing_is_left_out_of_all(drawn: Draw) -> None:
    found = audit(drawn({"a": [(0.4, 0.3), (float("nan"), 0.2)], "b": [(0.3, 0.2), (0.4, 0.1)]}))
    assert found.rows == {"b": [0.1, 0.1, 0.2]}


@pytest.fixture(scope="module")
def audited(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, texts: Mapping[str, str], cache: None
) -> StudyResults:
    """Two seeds of a recipe that was trained, and an effect."""
    folder = tmp_path_factory.mktemp("audited")
    cells = []
    for name in ("patches", "untouched"):
        (folder / f"{name}.yaml").write_text(texts[name])
        for seed in range(2):
            recipe = load(folder / f"{name}.yaml", catalogue, [("train.seed", seed), ("evaluate.audit", True)])
            trained = train(recipe, catalogue, folder / "runs", "study", "cpu", split="test")
            outcome = trained.outcome.to_json()
            cells.append(CellResult(Variant(name), seed, trained.run.name, "finished", outcome=outcome))
    return StudyResults("audited", folder / "runs" / "study", cells, metrics=["lines"], higher={"lines": True})


def test_a_study_that_was_trained(audited: StudyResults) -> None:
    found = audit(Findings(audited))
    last, validated, oracle = [], [], []
    for cell in audited.of("patches"):
        lines = read_metrics(audited.directory / cell.run / "metrics.jsonl")
        course = [(line["evaluation"]["lines"], line["audit"]["lines"]) for line in lines if "evaluation" in line]
        assert len(course) == 3
        last.append(cell.values["lines"])
        validated.append(max(course, key=lambda pair: pair[0])[1])
        oracle.append(max(test for _, test in course))
    assert found.tested
    assert found.rows["patches"] == pytest.approx([fmean(last), fmean(validated), fmean(oracle)])
    assert found.rows["untouched"] == [audited.of("untouched")[0].values["lines"]] * 3


def test_the_page_has_the_table_in_a_comparison(audited: StudyResults, study: StudyResults, tmp_path: Path) -> None:
    page = write_report(audited, tmp_path / "audited.html").read_text()
    assert "<i>oracle</i>" in page
    assert "lines on the test samples, means over seeds" in page
    unaudited = write_report(study, tmp_path / "study.html").read_text()
    assert "lines on the validation samples, means over seeds" in unaudited
    assert "<td>unknown</td>" in unaudited
    search = write_report(replace(audited, kind="tune"), tmp_path / "search.html").read_text()
    assert "Choice of the checkpoint" not in search
