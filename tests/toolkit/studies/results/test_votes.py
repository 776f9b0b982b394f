"""The file of votes: what a crash leaves, what it refuses, and what is read back."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from toonlab.errors import ToonlabError
from toonlab.runs.pictures import write_pictures
from toonlab.studies.results.results import CellResult, StudyResults, Variant
from toonlab.studies.results.votes import (
    FILE,
    QUESTIONS,
    Ballot,
    Question,
    Vote,
    VoteFile,
    read_questions,
    read_votes,
    vote_pictures,
)

BALLOT = Ballot(["a", "b"], ["p"], QUESTIONS, "00")
VOTE = Vote("ann", 0, "cartoon", "pair", "p", "a", "b", "left", 1.5, 1e9)


def test_votes_are_read_back_and_a_correction_counts(tmp_path: Path) -> None:
    assert read_votes(tmp_path) is None
    file = VoteFile(tmp_path / FILE, BALLOT)
    with file.opened():
        assert read_votes(tmp_path) == (BALLOT, [])
        for vote in (VOTE, replace(VOTE, trial=1), replace(VOTE, answer="tie")):
            file.append(vote)
    assert read_votes(tmp_path) == (BALLOT, [replace(VOTE, answer="tie"), replace(VOTE, trial=1)])
    assert (VOTE.winner, replace(VOTE, answer="right").winner, replace(VOTE, answer="tie").winner) == ("a", "b", None)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_last_line_is_ignored_and_then_cut_off(tmp_path: Path, cut: int) -> None:
    with VoteFile(tmp_path / FILE, BALLOT).opened() as file:
        for trial in range(3):
            file.append(replace(VOTE, trial=trial))
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-cut])
    found = read_votes(tmp_path)
    assert found is not None
    assert [vote.trial for vote in found[1]] == [0, 1]
    assert (tmp_path / FILE).read_bytes() == whole[:-cut]  # reading writes nothing
    with VoteFile(tmp_path / FILE, BALLOT).opened() as file:
        file.append(replace(VOTE, trial=2))
    assert (tmp_path / FILE).read_bytes() == whole


def test_a_torn_first_line_is_no_ballot(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"methods": ["a"')
    assert read_votes(tmp_path) is None
    with VoteFile(tmp_path / FILE, BALLOT).opened():
        assert read_votes(tmp_path) == (BALLOT, [])


def _vote_on(path: Path, ready: Callable[[], None]) -> None:
    with VoteFile(path, BALLOT).opened() as file:
        for trial in range(100_000):
            file.append(replace(VOTE, trial=trial))
            if trial == 20:
                ready()


def test_what_was_appended_before_a_kill_is_there(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_vote_on, args=(tmp_path / FILE, ready.set))
    process.start()
    assert ready.wait(60)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with VoteFile(tmp_path / FILE, BALLOT).opened() as file:  # the lock of a dead process is none
        assert [vote.trial for vote in file.votes] == list(range(len(file.votes)))
        assert len(file.votes) > 20


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    with VoteFile(tmp_path / FILE, BALLOT).opened() as file, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda trial: file.append(replace(VOTE, trial=trial)), range(80)))
    found = read_votes(tmp_path)
    assert found is not None
    assert sorted(vote.trial for vote in found[1]) == list(range(80))


def test_a_damaged_line_another_ballot_and_another_process_are_refused(tmp_path: Path) -> None:
    with VoteFile(tmp_path / FILE, BALLOT).opened() as file:
        file.append(VOTE)
        with pytest.raises(ToonlabError, match="another process takes votes there"), file.opened():
            pass
    other = replace(BALLOT, photos=["q"], pictures="01")
    with (
        pytest.raises(ToonlabError, match="was begun with other photos and pictures than"),
        VoteFile(tmp_path / FILE, other).opened(),
    ):
        pass
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text.replace('"left", "seconds"', '"up", "seconds"'))
    with pytest.raises(ToonlabError, match=rf"{FILE}, line 2: can't be read: answer: got 'up', .*; mend it, or move"):
        read_votes(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("questions: []\n", r"expected `questions: \{NAME: \{text: …\}\}` and nothing else"),
        ("questions: {a: {text: A}}\nmore: 1\n", "and nothing else"),
        ("questions: {a: {txt: A}}\n", "questions.a.text: field required"),
        ("questions: {a: {text: ''}}\n", "questions.a.text: got '', string should have at least 1 character"),
        ("questions: {a: {text: A, photo: maybe}}\n", "questions.a.photo: got 'maybe', input should be 'wins' or"),
    ],
)
def test_questions_that_do_not_fit(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "q.yaml").write_text(text)
    with pytest.raises(ToonlabError, match=f"q.yaml: .*{says}"):
        read_questions(tmp_path / "q.yaml")


def test_questions_of_a_file_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text("questions:\n  b: {text: B, photo: wins}\n  a: {text: A}\n")
    found = read_questions(tmp_path / "q.yaml")
    assert list(found.items()) == [("b", Question("B", "wins")), ("a", Question("A"))]


def _study(folder: Path, photos: dict[str, list[str]]) -> StudyResults:
    cells = []
    for label, names in photos.items():
        cells.append(CellResult(Variant(label), 0, f"{label}-s0-0", "failed"))
        cells.append(CellResult(Variant(label), 1, f"{label}-s1-0", "finished"))
        picture = Image.new("RGB", (8, 8), label if label == "red" else "blue")
        write_pictures(folder / f"{label}-s1-0", [(name, {"photo": picture, "fake": picture}, {}) for name in names])
    return StudyResults("s", folder, cells)


def test_pictures_of_the_photos_that_all_methods_have(tmp_path: Path) -> None:
    found = vote_pictures(_study(tmp_path, {"red": ["x", "y", "z"], "blue": ["z", "y"]}))
    assert (found.methods, list(found.fakes)) == (["red", "blue"], ["y", "z"])
    assert found.fakes["y"]["blue"].parent.parent.name == "blue-s1-0"
    before = found.ballot(QUESTIONS)
    found.fakes["z"]["red"].write_bytes(b"other")
    assert found.ballot(QUESTIONS).pictures != before.pictures


@pytest.mark.parametrize(
    ("photos", "says"),
    [
        ({"red": ["x"]}, "1 of its methods have left pictures of photos; a vote takes two or more"),
        ({"red": ["x"], "blue": ["y"]}, "there is no photo that all of its methods have left a picture of"),
    ],
)
def test_studies_without_pairs(tmp_path: Path, photos: dict[str, list[str]], says: str) -> None:
    with pytest.raises(ToonlabError, match=says):
        vote_pictures(_study(tmp_path, photos))


@pytest.mark.parametrize(
    ("vote", "says"),
    [
        (replace(VOTE, question="gone"), "question: got 'gone'"),
        (replace(VOTE, right="gone"), "left, right: got 'a' and 'gone', not both methods"),
    ],
)
def test_a_line_that_does_not_fit_the_first_one_is_named(tmp_path: Path, vote: Vote, says: str) -> None:
    with VoteFile(tmp_path / FILE, BALLOT).opened() as file:
        file.append(VOTE)
        file.append(vote)
    with pytest.raises(ToonlabError, match=rf"line 3: can't be read: {says}"):
        read_votes(tmp_path)
