"""The trials of a search, in order, with names and gains."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from toonlab.report.findings import Findings, find
from toonlab.report.search import search_of, value_text
from toonlab.studies.results.results import StudyResults

Searched = Callable[..., StudyResults]


def test_complete_trials_are_ordered_by_the_direction(searched: Searched) -> None:
    for direction, numbers in (("maximize", [1, 0, 2]), ("minimize", [2, 0, 1])):
        search = search_of(find(searched([0.02], direction=direction)))
        assert search is not None
        assert [trial["number"] for trial in search.complete] == numbers
        assert search.higher == (direction == "maximize")
        assert search.default is not None
        assert search.default["number"] == 0
    assert len(search.trials) == 5
    assert (search.metric, search.digits) == ("f1", 3)


def test_names_are_short_and_values_readable(searched: Searched) -> None:
    search = search_of(find(searched([])))
    assert search is not None
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
    search = search_of(find(searched([0.02, 0.03, 0.025])))
    assert search is not None
    (gain,) = search.gains
    assert gain.trial["number"] == 1
    assert gain.searched == pytest.approx(0.05)
    assert gain.confirmed is not None
    assert gain.confirmed.mean == pytest.approx(0.025)
    assert gain.survived == pytest.approx(0.5)


def test_without_a_value_of_the_default_there_is_no_gain(searched: Searched) -> None:
    search = search_of(find(searched([0.02], (None, 0.65, 0.59))))
    assert search is not None
    assert search.default is None
    assert search.gains == []


def test_a_comparison_is_no_search(made: Callable[..., Findings], searched: Searched) -> None:
    assert search_of(made({"a": [0.5]})) is None
    results = searched([])
    assert search_of(find(replace(results, search=replace(results.search, trials=())))) is None
