"""The order of a rater: balanced, of all pairs, with trials that show whether the rater looks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import pytest

from toonlab_vote.trials import EFFECT, PHOTO, Trial, plan

METHODS = [f"method {n}" for n in range(7)]
PHOTOS = [f"photo {n}" for n in range(6)]


@dataclass(frozen=True)
class Asked:
    photo: str | None = None


QUESTIONS = {"cartoon": Asked("loses"), "overall": Asked()}


def units(trials: list[Trial]) -> list[tuple[str, frozenset[str]]]:
    return [(trial.photo, frozenset((trial.left, trial.right))) for trial in trials if trial.kind == "pair"]


@pytest.mark.parametrize("count", [2, 3, 6, 7])
def test_each_pair_comes_once_on_each_photo_if_there_is_time(count: int) -> None:
    trials = plan("a", METHODS[:count], PHOTOS, QUESTIONS, 10_000)
    expected = {(photo, frozenset(pair)) for photo in PHOTOS for pair in combinations(METHODS[:count], 2)}
    assert len(units(trials)) == len(expected)
    assert set(units(trials)) == expected


def test_pairs_methods_photos_and_sides_are_balanced() -> None:
    raters = [plan(f"r{n}", METHODS, PHOTOS, QUESTIONS, 42) for n in range(40)]
    for trials in raters:
        appearances = Counter(label for _, pair in units(trials) for label in pair)
        assert max(appearances.values()) - min(appearances.values()) <= 5
        assert len(set(units(trials))) == 42
        assert set(Counter(pair for _, pair in units(trials)).values()) <= {1, 2, 3}  # of two on average
    everything = [unit for trials in raters for unit in units(trials)]
    by_pair = Counter(pair for _, pair in everything)
    by_photo = Counter(photo for photo, _ in everything)
    assert max(by_pair.values()) - min(by_pair.values()) <= 0.35 * 80  # of 80 for each
    assert max(by_photo.values()) - min(by_photo.values()) <= 0.15 * 280
    on_the_left = Counter(trial.left for trials in raters for trial in trials if trial.kind == "pair")
    assert all(count == pytest.approx(240, rel=0.2) for count in on_the_left.values())


def test_the_order_is_the_raters_own_and_always_the_same() -> None:
    first = plan("a", METHODS, PHOTOS, QUESTIONS, 40)
    assert first == plan("a", METHODS, PHOTOS, QUESTIONS, 40)
    other = plan("b", METHODS, PHOTOS, QUESTIONS, 40)
    assert first != other
    shared = set(units(first)) & set(units(other))
    assert len(shared) >= 10  # a quarter is for all, so that agreement can be measured
    assert plan("a", METHODS, PHOTOS, QUESTIONS, 20) == first[:24]


def test_repeats_swap_the_sides_of_an_earlier_pair_and_photos_stand_against_an_effect() -> None:
    trials = plan("a", METHODS, PHOTOS, QUESTIONS, 40)
    assert Counter(trial.kind for trial in trials) == {"pair": 40, "repeat": 4, "photo": 4}
    for place, trial in enumerate(trials):
        if trial.kind == "repeat":
            earlier = trials.index(Trial("pair", trial.photo, trial.right, trial.left, tuple(QUESTIONS)))
            assert place - earlier >= 3
        if trial.kind == "photo":
            assert {trial.left, trial.right} == {PHOTO, EFFECT}
            assert trial.questions == ("cartoon",)  # the only one that has a right answer
    assert not any(trial.kind == "photo" for trial in plan("a", METHODS, PHOTOS, {"overall": Asked()}, 40))


def test_a_short_vote_has_its_checks_too() -> None:
    kinds = Counter(trial.kind for trial in plan("a", METHODS[:2], PHOTOS[:1], QUESTIONS, 40))
    assert kinds == {"pair": 1, "repeat": 1, "photo": 1}
