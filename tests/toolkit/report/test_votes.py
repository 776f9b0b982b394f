"""The section on votes of a study that has really been trained: strengths, raters who fail, agreement with metrics."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from toonlab.report import write_report
from toonlab.report.findings import Findings
from toonlab.report.votes import Checks, Votes, alpha_text, checked, rank_text, votes
from toonlab.studies.results.results import StudyResults
from toonlab.studies.results.votes import QUESTIONS, Vote, VoteFile, vote_pictures

ORDER = ["untouched", "lone", "patches"]  # best first
Kind = Literal["pair", "repeat", "photo"]
Answer = Literal["left", "tie", "right"]


def vote(rater: str, trial: int, kind: Kind, left: str, right: str, answer: Answer, question: str = "cartoon") -> Vote:
    return Vote(rater, trial, question, kind, "p", left, right, answer, 1.0, 1e9)


@pytest.fixture
def voted(study: StudyResults, tmp_path: Path) -> StudyResults:
    """The study with four raters who prefer the methods in `ORDER`, and one who always answers left."""
    shutil.copytree(study.directory, tmp_path / "study")
    results = StudyResults.read(tmp_path / "study")
    pictures = vote_pictures(results)
    with VoteFile(results.directory / "votes.jsonl", pictures.ballot(QUESTIONS)).opened() as file:
        for one in _answers(list(pictures.photos)):
            file.append(one)
    return results


def _answers(photos: Sequence[str]) -> Iterator[Vote]:
    for rater in ("ann", "ben", "cem", "dot", "left"):
        random, trial = Random(rater), 0
        for question in ("cartoon", "scene"):
            for photo in photos:
                for pair in combinations(ORDER, 2):
                    left, right = random.sample(pair, 2)
                    right_answer: Answer = "left" if ORDER.index(left) < ORDER.index(right) else "right"
                    answer: Answer = "left" if rater == "left" else random.choice([right_answer] * 4 + ["tie"])
                    yield Vote(rater, trial, question, "pair", photo, left, right, answer, 1.0, 1e9)
                    trial += 1
            sides = ("photo", "effect") if question == "cartoon" else ("effect", "photo")
            answer = "left" if rater == "left" else "right"
            yield Vote(rater, trial, question, "photo", photos[0], *sides, answer, 1.0, 1e9)
            trial += 1


def test_strengths_have_the_raters_order_and_the_rater_who_fails_is_named(voted: StudyResults) -> None:
    found = votes(Findings(voted))
    assert found is not None
    assert list(found.left_out) == ["left"]
    assert found.sentences[0].startswith("70 votes of 5 raters on 2 photos")
    assert "Left out: left (the photo 2 of 2, repeats 0 of 0). A rater is left out by the rule" in found.sentences[1]
    cartoon, scene = found.asked  # nobody was asked the third one
    assert (cartoon.ranked, cartoon.votes) == (ORDER, 24)
    assert cartoon.strengths.interval(cartoon.strengths.methods.index("untouched"))[0] > 0
    shares, counts = cartoon.wins
    assert counts[0, 2] == 8
    assert shares[0, 2] > 0.8
    assert cartoon.alpha is not None
    assert cartoon.alpha > 0.5
    assert cartoon.shared == scene.shared == 6
    assert set(found.metrics) <= {"lines", "psnr"}  # what a run costs is none


def test_agreement_with_a_metric_is_that_of_the_orders(voted: StudyResults) -> None:
    findings = Findings(voted)
    found = votes(findings)
    assert found is not None
    means = {label: findings.mean("psnr", label) or 0.0 for label in ORDER}
    one = found.asked[0].metrics["psnr"]
    same = sorted(ORDER, key=lambda label: -means[label]) == ORDER
    assert (one.spearman == pytest.approx(1)) == same
    assert rank_text(one).startswith(f"{one.spearman:+.2f}".replace("-", "−"))
    assert rank_text(None) == "–"
    assert alpha_text(found.asked[0]) == f"{found.asked[0].alpha:.2f}"


def test_what_counts_as_a_failed_check() -> None:
    given = [
        vote("a", 0, "pair", "x", "y", "left"),
        vote("a", 1, "repeat", "y", "x", "right"),  # x again
        vote("a", 2, "photo", "photo", "effect", "right"),
        vote("b", 0, "pair", "x", "y", "left"),
        vote("b", 1, "repeat", "y", "x", "left"),  # y now
        vote("b", 2, "photo", "photo", "effect", "tie"),  # the effect is more like a cartoon
        vote("b", 3, "photo", "photo", "effect", "left", "scene"),
        vote("c", 0, "pair", "x", "y", "tie"),
        vote("c", 1, "repeat", "y", "x", "left"),
    ]
    assert checked(given, QUESTIONS) == {"a": Checks(0, 1, 0, 1), "b": Checks(1, 2, 1, 1), "c": Checks(0, 0, 0, 1)}
    assert Checks(2, 8, 3, 6).failed is False
    assert Checks(3, 8, 0, 6).failed
    assert Checks(0, 8, 4, 6).failed


def test_the_page_shows_them_and_is_written_again_after_a_vote(voted: StudyResults, browser: Browser) -> None:
    page = write_report(voted)
    for width in (390, 1280):
        context = browser.new_context(viewport={"width": width, "height": 844})
        tab = context.new_page()
        tab.goto(page.as_uri())
        section = tab.locator("#votes")
        assert section.get_by_role("heading", name="Which is more like a cartoon?").count() == 1
        assert section.get_by_role("row", name="psnr*: Spearman's ρ, Kendall's τ").count() == 1
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        assert Axe().run(tab, options={"resultTypes": ["violations"]}).violations_count == 0
        context.close()
    before = page.stat().st_mtime_ns
    assert write_report(voted).stat().st_mtime_ns == before
    ballot = vote_pictures(voted).ballot(QUESTIONS)
    with VoteFile(voted.directory / "votes.jsonl", ballot).opened() as file:
        file.append(vote("eve", 0, "pair", "patches", "lone", "tie"))
    assert "71 votes of 6 raters" in write_report(voted).read_text()


def test_without_the_extra_it_says_what_to_install(voted: StudyResults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toonlab.report.votes.missing_package", lambda: "evalica")
    text = "70 votes of 5 raters on 2 photos: evalica is not installed; pip install 'toonlab[app]' to evaluate them."
    assert votes(Findings(voted)) == Votes([text])


def test_a_study_without_votes_has_no_section(study: StudyResults) -> None:
    assert votes(Findings(study)) is None
