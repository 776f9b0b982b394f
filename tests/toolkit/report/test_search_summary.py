"""What the report of a search claims of its gain."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from toonlab.report.findings import find
from toonlab.report.search import Search, search_of
from toonlab.report.search_summary import sentences
from toonlab.studies.results.results import StudyResults

Searched = Callable[..., Search]


@pytest.fixture
def search(searched: Callable[..., StudyResults]) -> Searched:
    """`search([0.02, 0.01])`: a search whose best differs so from the default on fresh seeds."""

    def make(*arguments: object, **others: object) -> Search:
        found = search_of(find(searched(*arguments, **others)))
        assert found is not None
        return found

    return make


def test_a_gain_that_is_confirmed_says_how_much_of_it_survived(search: Searched) -> None:
    asked, best, far = sentences(search([0.02, 0.021, 0.019, 0.02]))
    assert asked == (
        "This search looked for the k and patch_size of ctss with the highest f1; "
        "it made 5 trials of 2 seeds each (3 complete, 1 pruned, 1 infeasible)."
    )
    assert best == (
        "The best trial, 1 (k 8, patch_size 16), reached 0.650, against the default's 0.600 (+0.050); "
        "the best of many trials is biased upwards."
    )
    assert far.startswith("On 4 fresh seeds it is better than the default (+0.020, 95 % interval ")
    assert far.endswith("; 40% of the gain survived.")


def test_an_inconclusive_confirmation_is_called_so(search: Searched) -> None:
    _, _, far = sentences(search([0.05, -0.03, 0.04, -0.02]))
    assert far.startswith("On 4 fresh seeds its difference to the default is inconclusive (+0.010, ")
    assert far.endswith("; 20% of the gain survived, which may be chance.")


def test_a_gain_that_turns_into_a_loss(search: Searched) -> None:
    _, _, far = sentences(search([-0.02, -0.021, -0.019, -0.02]))
    assert far.startswith("On 4 fresh seeds it is worse than the default (−0.020, ")
    assert far.endswith("; nothing of the gain survived.")


def test_too_few_seeds_or_none_confirm_nothing(search: Searched) -> None:
    assert sentences(search([0.02, 0.02]))[2] == (
        "On 2 fresh seeds the difference was +0.020; that is too few for a test, and no evidence."
    )
    assert sentences(search([]))[2] == "Nothing was confirmed on fresh seeds, so what was found is no evidence."


def test_less_is_better_turns_everything_round(search: Searched) -> None:
    found = search([-0.005, -0.0051, -0.0049], direction="minimize")
    assert found.complete[0]["number"] == 2
    asked, best, _ = sentences(found)
    assert "with the lowest f1" in asked
    assert "reached 0.590, against the default's 0.600 (−0.010)" in best


def test_a_search_that_found_nothing_better_says_so(search: Searched) -> None:
    found = search([], [0.6, 0.5])
    assert sentences(found)[1] == "No trial was better than the default (k 4, patch_size 24), which reached 0.600."
    assert sentences(search([], [None]))[1] == ("No trial has a value, so nothing can be said.")


def test_the_share_is_of_the_best_trials_gain_alone(search: Searched) -> None:
    found = search([0.02, 0.02, 0.02])
    (gain,) = found.gains
    assert gain.searched == pytest.approx(0.05)
    assert gain.survived == pytest.approx(0.4)
    assert replace(gain, confirmed=None).survived is None
