"""A poll as programs use it: on a study that is there, with votes that stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from toonlab import Poll, ToonlabError, Vote
from toonlab.runs.pictures import write_pictures
from toonlab.studies.results.results import CellResult, StudyResults, Variant

VOTE = Vote("ann", 0, "cartoon", "pair", "x", "a", "b", "left", 1.5, 1e9)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    cells = [CellResult(Variant(label), 0, f"{label}-s0-0", "finished") for label in "ab"]
    results = StudyResults("s", tmp_path / "s", cells)
    for cell in cells:
        picture = Image.new("RGB", (8, 8))
        write_pictures(results.directory / cell.run, [(name, {"photo": picture, "fake": picture}, {}) for name in "xy"])
    results.write()
    return tmp_path


def test_a_poll_has_the_pictures_of_a_study_and_keeps_its_votes(runs: Path) -> None:
    poll = Poll("s", runs)
    assert (poll.name, poll.methods, poll.photos) == ("s", ["a", "b"], ["x", "y"])
    assert list(poll.questions) == ["cartoon", "scene", "overall"]
    with poll.opened():
        poll.append(VOTE)
        poll.append(replace(VOTE, rater="ben"))
        poll.append(replace(VOTE, answer="right"))
    with Poll("s", runs).opened() as again:
        assert again.votes("ann") == [replace(VOTE, answer="right")]
        assert len(again.votes()) == 2


def test_the_precision_of_a_poll_and_the_pairs_that_it_takes(runs: Path) -> None:
    poll = Poll("s", runs)
    needed = poll.pairs_needed(0.3, raters=10)
    assert needed is not None
    assert poll.precision(10, needed) <= 0.3
    assert needed == 1 or poll.precision(10, needed - 1) > 0.3
    assert poll.pairs_needed(0.01, raters=10) is None


def test_a_study_that_is_not_there(runs: Path) -> None:
    with pytest.raises(ToonlabError, match="no results of such a study; "):
        Poll("t", runs)
