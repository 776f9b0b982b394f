"""What a study found, as data: names that tell variants apart, and files that give back what was written."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab.errors import ToonlabError
from toonlab.stats.expected_best import ExpectedBest
from toonlab.studies.results.results import (
    CellResult,
    CellStatus,
    SearchResult,
    SearchTrial,
    StudyResults,
    Variant,
    short_names,
)
from toonlab.studies.results.tables import PHOTO

K, SAMPLER = "critics.patch.sampler.k", "critics.patch.sampler"


@pytest.mark.parametrize(
    ("levels", "label"),
    [
        ({}, "ctss"),
        ({K: 4}, "ctss (k 4)"),
        ({K: 4, "critics.patch.sampler.rank": "image"}, "ctss (k 4, rank image)"),
        ({"critics.image": None}, "ctss (image off)"),
        ({SAMPLER: {"use": "random_patches", "patch_size": 24}}, "ctss (sampler random_patches)"),
        ({SAMPLER: {"stride_real": 0.25, "stride_fake": 1}}, "ctss (sampler stride_real 0.25 stride_fake 1)"),
        ({"critics.patch": {}}, "ctss (patch as it is)"),
        ({"resolution": 64, "patch critic": "with"}, "ctss (resolution 64, patch critic with)"),
        ({"train.channels_last": True, "betas": [0.5, 0.999]}, "ctss (channels_last true, betas [0.5, 0.999])"),
    ],
)
def test_a_label_says_what_a_variant_has(levels: dict[str, Any], label: str) -> None:
    assert Variant("ctss", levels).label == label


def test_a_label_says_that_a_variant_is_supervised() -> None:
    assert Variant("pix2pix", supervised=True).label == "pix2pix (supervised)"
    assert Variant("ctss", {K: 4}, supervised=True).label == "ctss (supervised, k 4)"
    assert Variant("ctss", {"train.supervised": True}, supervised=True).label == "ctss (supervised true)"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        ([K], ["k"]),
        (["critics.patch.sampler.k", "critics.texture.sampler.k"], ["patch.sampler.k", "texture.sampler.k"]),
        (["critics.image.optimizer.lr"], ["optimizer.lr"]),  # whose rate?
        (["train.steps", "stages.0.steps"], ["train.steps", "0.steps"]),
        (["lr"], ["lr"]),
        (["sampler.k", "critics.patch.sampler.k"], ["sampler.k", "patch.sampler.k"]),
    ],
)
def test_short_names_take_as_many_words_as_tell_them_apart(paths: list[str], names: list[str]) -> None:
    assert list(short_names(paths).values()) == names


WORDS = st.sampled_from(["critics", "patch", "image", "sampler", "k", "lr", "steps", "width"])


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4).map(".".join), min_size=1, max_size=6, unique=True))
def test_short_names_are_ends_that_no_two_share(paths: list[str]) -> None:
    names = short_names(paths)
    assert list(names) == paths
    assert len(set(names.values())) == len(paths)
    assert all(path == name or path.endswith(f".{name}") for path, name in names.items())


def cell(recipe: str, seed: int, status: CellStatus = "finished", value: float = 0.5, **levels: Any) -> CellResult:
    outcome = {
        "metrics": {"outline_f1": value, "psnr": 17.0},
        "photo": {"outline_f1": 0.4, "psnr": 18.0, "outline_recall": 0.3},
        "costs": {"seconds_per_step": 0.1},
        "measured": {"outline_f1": {"n": 3}},
        "seconds": 9.0,
        "step": 4,
    }
    done = status == "finished"
    reason, log = (None, ()) if done else ("diverged at step 3", ("a line", "another"))
    run = f"{recipe}-s{seed}-0000000{len(levels)}"
    return CellResult(Variant(recipe, levels), seed, run, status, reason, log, outcome if done else None, reused=done)


@pytest.fixture
def results(tmp_path: Path) -> StudyResults:
    cells = [
        cell("ctss", 0, value=0.7, k=1),
        cell("plain", 0),
        cell("ctss", 1, "failed", k=1),
        cell("plain", 1, "waiting"),
    ]
    return StudyResults(
        "study",
        tmp_path / "runs" / "study",
        cells,
        about="why",
        asked={"recipes": ["ctss", "plain"], "at": Path("tiny.yaml")},
        command="toonlab compare study",
        metrics=["outline_f1", "psnr", "seconds_per_step"],
        higher={"outline_f1": True, "psnr": True, "seconds_per_step": False},
        baseline="plain",
        factors={"k": [1]},
        budget="critic_pixels",
        steps={"plain": 300},
        caveats={"psnr": "closeness"},
    )


def test_what_was_written_is_what_is_read(results: StudyResults) -> None:
    results.write()
    read = StudyResults.read(results.directory)
    assert read.cells == results.cells
    assert read.asked == {"recipes": ["ctss", "plain"], "at": "tiny.yaml"}  # what JSON has no word for is text
    for name in ("name", "directory", "about", "command", "metrics", "higher", "baseline", "steps", "caveats"):
        assert getattr(read, name) == getattr(results, name)
    read.write()
    assert StudyResults.read(results.directory) == read


def test_the_file_and_the_table_have_words_which_follow_from_the_cells(results: StudyResults) -> None:
    results.write()
    path = results.directory / "results.json"
    record = json.loads(path.read_text())
    assert record["verdicts"]["ctss (k 1)"]["word"] == "undecided"  # of one seed
    assert record["verdicts"]["ctss (k 1)"]["primary"]["median"] == pytest.approx(0.2)
    assert "| ctss (k 1) (1 failed) | 1 | 0.700 | +0.200, undecided |" in (results.directory / "results.md").read_text()
    record["verdicts"]["ctss (k 1)"]["word"] = "better"
    path.write_text(json.dumps(record))
    assert StudyResults.read(results.directory).verdicts["ctss (k 1)"].word == "undecided"
    record["verdicts"]["ctss (k 1)"]["word"] = "superb"
    path.write_text(json.dumps(record))
    with pytest.raises(ToonlabError, match=r"verdicts\.ctss \(k 1\)\.word: got 'superb'"):
        StudyResults.read(results.directory)


def test_views_leave_out_what_has_not_finished(results: StudyResults) -> None:
    assert results.values("outline_f1") == {"ctss (k 1)": {0: 0.7}, "plain": {0: 0.5}}
    assert results.values("seconds") == {"ctss (k 1)": {0: 9.0}, "plain": {0: 9.0}}
    assert results.values("kid") == {"ctss (k 1)": {}, "plain": {}}
    assert [failed.label for failed in results.failed] == ["ctss (k 1), seed 1"]
    assert [variant.label for variant in results.variants] == ["ctss (k 1)", "plain"]
    assert results.measured == {"outline_f1": {"n": 3}}


def test_the_table_says_what_is_missing_and_how_long_a_budget_was(results: StudyResults) -> None:
    photo, ctss, plain = results.rows
    assert (photo.name, photo.values) == (PHOTO, {"outline_f1": [0.4], "psnr": [18.0]})
    assert (ctss.note, plain.note) == ("1 failed", "1 waiting, 300 steps")
    assert list(ctss.values) == ["outline_f1", "psnr", "seconds_per_step", "seconds"]
    results.write()
    assert "| ctss (k 1) (1 failed) | 1 | 0.700 |" in (results.directory / "results.md").read_text()


def test_photos_that_differ_between_cells_have_no_row(results: StudyResults) -> None:
    ctss, plain, *others = results.cells
    outcome = {**(plain.outcome or {}), "photo": {"outline_f1": 0.2, "psnr": 18.0}}
    differing = results.with_cells([ctss, replace(plain, outcome=outcome), *others])
    assert differing.photo == {"psnr": 18.0, "outline_recall": 0.3}
    unlike = results.with_cells([ctss, replace(plain, outcome={**outcome, "photo": {"psnr": 1.0, "outline_f1": 2.0}})])
    assert [row.name for row in unlike.rows] == ["ctss (k 1)", "plain"]


def test_what_older_studies_do_not_have_is_left_at_its_default(results: StudyResults) -> None:
    results.write()
    file = results.directory / "results.json"
    record = json.loads(file.read_text())
    for name in ("budget", "steps", "search", "caveats"):
        del record[name]
    file.write_text(json.dumps(record))
    read = StudyResults.read(results.directory)
    assert (read.budget, read.steps, read.search, read.caveats) == ("steps", {}, None, {})


@pytest.mark.parametrize(("key", "value"), [("step", "x"), ("scores", {"f1": "x"}), ("photo_scores", {"f1": ["x"]})])
def test_what_a_report_reads_of_an_outcome_is_checked(results: StudyResults, key: str, value: Any) -> None:
    results.write()
    file = results.directory / "results.json"
    record = json.loads(file.read_text())
    record["cells"][0]["outcome"][key] = value
    file.write_text(json.dumps(record))
    with pytest.raises(ToonlabError, match=rf"cells\.0\.outcome.*{key}"):
        StudyResults.read(results.directory)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, r"study/results\.json: no such file; run `toonlab compare study` first"),
        ("{", r"results\.json: can't be read: .*; run the study again, which keeps the runs that have finished"),
        ("[]", "can't be read: got .*, input should be"),
        ("{}", "can't be read: name: field required"),
        (
            '{"name": "s", "cells": [{"variant": {}, "log": []}]}',
            r"can't be read: cells\.0\.variant\.recipe: field required",
        ),
        ('{"cells": [], "name": "study", "colour": 3}', "can't be read: colour: got 3, unexpected keyword argument"),
        ('{"cells": 3, "name": "study"}', "can't be read: cells: got 3, input should be"),
        ('{"cells": [], "name": "s", "metrics": ["f1"]}', "can't be read: higher lacks 'f1'; run the study again"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str | None, says: str) -> None:
    (tmp_path / "study").mkdir()
    if text is not None:
        (tmp_path / "study" / "results.json").write_text(text)
    with pytest.raises(ToonlabError, match=says):
        StudyResults.read(tmp_path / "study")


# -- searches

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


def test_the_keys_of_the_file_are_those_that_reports_of_older_studies_have_and_newer_ones() -> None:
    record = json.loads(json.dumps(asdict(SEARCH)))
    assert list(record) == [
        *("recipe", "objective", "space", "sampler", "pruner", "seeds_per_trial", "default", "trials"),
        *("importances", "storage", "study", "control", "budget", "expected", "edges", "finals"),
        *("objectives", "front"),
    ]
    assert list(record["trials"][0]) == [
        *("number", "params", "default", "state", "value", "seeds", "intermediate", "seconds", "reason", "values")
    ]


def test_a_study_of_several_recipes_is_read_with_all_its_searches(tmp_path: Path) -> None:
    further = [replace(SEARCH, recipe="plain", expected=[ExpectedBest(1, 0.5, 0.4, 0.6)], edges={"k": "low"})]
    StudyResults("s", tmp_path / "s", [], "tune", search=SEARCH, further=further).write()
    assert StudyResults.read(tmp_path / "s").searches == [SEARCH, *further]
    assert StudyResults("s", tmp_path / "s", []).searches == []


def test_a_study_is_read_with_its_search(tmp_path: Path) -> None:
    StudyResults("s", tmp_path / "s", [], "tune", search=SEARCH).write()
    read = StudyResults.read(tmp_path / "s")
    assert read.search == SEARCH
    file = tmp_path / "s" / "results.json"
    file.write_text(file.read_text().replace('"sampler"', '"simpler"'))
    with pytest.raises(
        ToonlabError, match=r"search\.simpler: got 'random', unexpected keyword argument; run the study"
    ):
        StudyResults.read(tmp_path / "s")
