"""The trials of a search, in order, with names and gains, and what its report claims of the gain."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from toonlab.report.findings import Findings
from toonlab.report.search import Search, searches_of, sentences, value_text
from toonlab.studies.results.results import StudyResults

Searched = Callable[..., StudyResults]


def test_complete_trials_are_ordered_by_the_direction(searched: Searched) -> None:
    for direction, numbers in (("maximize", [1, 0, 2]), ("minimize", [2, 0, 1])):
        (search,) = searches_of(Findings(searched([0.02], direction=direction)))
        assert [trial["number"] for trial in search.complete] == numbers
        assert search.higher == (direction == "maximize")
        assert search.default is not None
        assert search.default["number"] == 0
    assert len(search.trials) == 5
    assert (search.metric, search.digits) == ("f1", 3)


def test_names_are_short_and_values_readable(searched: Searched) -> None:
    (search,) = searches_of(Findings(searched([])))
    assert list(search.names.values()) == ["k", "patch_size"]
    assert search.text(search.complete[0]["params"]) == "k 8, patch_size 16"
    assert [value_text(value) for value in (None, 0.00047404, -2.5, 7, {"use": "grid"}, "x")] == [
        "off",
        "0.000474",
        "−2.5",
        "7",
        "grid",
        "x",
    ]


def test_a_gain_is_over_the_default_in_the_search_and_on_fresh_seeds(searched: Searched) -> None:
    (search,) = searches_of(Findings(searched([0.02, 0.03, 0.025])))
    (gain,) = search.gains
    assert gain.trial["number"] == 1
    assert gain.searched == pytest.approx(0.05)
    assert gain.confirmed is not None
    assert gain.confirmed.median == pytest.approx(0.025)
    assert gain.survived == pytest.approx(0.5)


def test_without_a_value_of_the_default_there_is_no_gain(searched: Searched) -> None:
    (search,) = searches_of(Findings(searched([0.02], (None, 0.65, 0.59))))
    assert search.default is None
    assert search.gains == []


def test_a_comparison_is_no_search(made: Callable[..., Findings], searched: Searched) -> None:
    assert searches_of(made({"a": [0.5]})) == []
    results = searched([])
    assert searches_of(Findings(replace(results, search=replace(results.search, trials=())))) == []


# -- the three sentences


@pytest.fixture
def search(searched: Searched) -> Callable[..., Search]:
    """`search([0.02, 0.01])`: a search whose best differs so from the default on fresh seeds."""

    def make(*arguments: object, **others: object) -> Search:
        (found,) = searches_of(Findings(searched(*arguments, **others)))
        return found

    return make


def test_a_gain_that_is_confirmed_says_how_much_of_it_survived(search: Callable[..., Search]) -> None:
    asked, best, far = sentences([search([0.04, 0.041, 0.039, 0.04, 0.04, 0.04])])
    assert asked == (
        "This search looked for the k and patch_size of ctss with the highest f1; "
        "it made 5 trials of 2 seeds each (3 complete, 1 pruned, 1 infeasible)."
    )
    assert best == (
        "The best trial, 1 (k 8, patch_size 16), reached 0.650, against the default's 0.600 (+0.050); "
        "the best of many trials is biased upwards."
    )
    assert far.startswith("On 6 fresh seeds it is better than the default (+0.040, interval +0.039 to +0.041); ")
    assert "; 80% of the gain survived; words rest on 6 seeds, intervals of 95 % and a margin of 0.03" in far


def test_an_undecided_confirmation_is_called_so(search: Callable[..., Search]) -> None:
    _, _, far = sentences([search([0.05, -0.03, 0.04, -0.02, 0.01, 0.01])])
    assert far.startswith("On 6 fresh seeds its difference to the default is undecided (+0.010, ")
    assert "; 20% of the gain survived, which may be chance; words rest on " in far


def test_an_equivalent_one_as_well(search: Callable[..., Search]) -> None:
    assert "6 fresh seeds it is equivalent to the default (+0.020, " in sentences([search([0.02] * 5 + [0.01])])[2]


def test_a_gain_that_turns_into_a_loss(search: Callable[..., Search]) -> None:
    _, _, far = sentences([search([-0.04, -0.041, -0.039, -0.04, -0.04, -0.04])])
    assert far.startswith("On 6 fresh seeds it is worse than the default (−0.040, ")
    assert "; nothing of the gain survived; " in far


def test_too_few_seeds_or_none_confirm_nothing(search: Callable[..., Search]) -> None:
    assert sentences([search([0.02, 0.02])])[2] == (
        "On 2 fresh seeds the difference was +0.020; that is too few for a word, and no evidence."
    )
    assert sentences([search([])])[2] == "Nothing was confirmed on fresh seeds, so what was found is no evidence."


def test_less_is_better_turns_everything_round(search: Callable[..., Search]) -> None:
    found = search([-0.005, -0.0051, -0.0049], direction="minimize")
    assert found.complete[0]["number"] == 2
    asked, best, _ = sentences([found])
    assert "with the lowest f1" in asked
    assert "reached 0.590, against the default's 0.600 (−0.010)" in best


def test_a_search_that_found_nothing_better_says_so(search: Callable[..., Search]) -> None:
    found = search([], [0.6, 0.5])
    assert sentences([found])[1] == "No trial was better than the default (k 4, patch_size 24), which reached 0.600."
    assert sentences([search([], [None])])[1] == ("No trial has a value, so nothing can be said.")


def test_the_share_is_of_the_best_trials_gain_alone(search: Callable[..., Search]) -> None:
    found = search([0.02, 0.02, 0.02])
    (gain,) = found.gains
    assert gain.searched == pytest.approx(0.05)
    assert gain.survived == pytest.approx(0.4)
    assert replace(gain, confirmed=None).survived is None


# -- several recipes


def test_of_several_recipes_the_winner_is_compared_with_its_default_by_the_defaults_own_comparison(
    budgeted: StudyResults,
) -> None:
    ctss, control, plain = searches_of(Findings(budgeted))
    assert [each.name for each in (ctss, control, plain)] == ["ctss", "ctss (random)", "plain"]
    (gain,) = ctss.gains
    assert gain.confirmed is not None
    assert (gain.label, gain.word) == ("ctss (k 8, patch_size 16)", "better")
    assert gain.confirmed.median == pytest.approx(0.04)
    assert gain.confirmed.interval == pytest.approx((0.04, 0.04))
    assert budgeted.verdicts["ctss"].word == "worse"
    assert control.gains == []
    (gain,) = plain.gains
    assert (gain.word, gain.searched) == ("equivalent", pytest.approx(0.05))


def test_the_winners_changes_say_where_the_range_ended(budgeted: StudyResults) -> None:
    ctss, _, plain = searches_of(Findings(budgeted))
    assert [(change.old, change.new, change.edge) for change in plain.changes] == [(5.0, 49.0, "high")]
    assert [(change.old, change.new, change.edge) for change in ctss.changes] == [(4, 8, None), (24, 16, None)]


def test_sentences_of_several_recipes(budgeted: StudyResults) -> None:
    asked, best, far = sentences(searches_of(Findings(budgeted)))
    assert asked == (
        "This study gave ctss and plain 5 trials each, and looked for the highest f1; it made 12 trials of 2 seeds "
        "each (8 complete, 2 pruned, 2 infeasible); each has a control of the same budget, which draws at random."
    )
    assert best == (
        "In the search the best trials reached ctss 0.650 (default 0.600) and plain 0.550 (default 0.500); the best of "
        "many trials is biased upwards."
    )
    assert far.startswith("On fresh seeds, compared with ctss (k 8, patch_size 16): plain (trial 1) worse (−0.1")
    assert "; tuned, compared with their own defaults: ctss better (+0.040, interval " in far
    assert " and plain equivalent (+0.010, interval " in far
    assert "(3 of them hold together with a chance of 95 %)" in far


def test_sentences_of_a_front(fronted: StudyResults) -> None:
    (search,) = searches_of(Findings(fronted))
    asked, best, far = sentences([search])
    assert "looked for the k and patch_size of ctss with the best trade-offs of f1 and g; it made 3 trials" in asked
    assert best == "2 of 3 complete trials are surpassed by no other: f1 0.600 to 0.650, g 0.300 to 0.500."
    told = "By the means of 6 fresh seeds, 1 of 1 confirmed point is surpassed by no other; compared with the default:"
    assert far.startswith(f"{told} trade-off (1); words rest on ")
    assert search.confirmed_front == ["ctss (k 8, patch_size 16)", "ctss"]
    assert search.changes == []  # a front has no winner


def test_sentences_of_several_recipes_without_results(budgeted: StudyResults) -> None:
    empty = replace(budgeted, cells=[], baseline=None, baselines={})
    found = [replace(each, trials=[replace(each.trials[0], state="failed", value=None)]) for each in empty.searches]
    searches = searches_of(Findings(replace(empty, search=found[0], further=found[1:])))
    assert sentences(searches)[1:] == (
        "No trial has a value, so nothing can be said.",
        "Nothing was confirmed on fresh seeds, so what was found is no evidence.",
    )
