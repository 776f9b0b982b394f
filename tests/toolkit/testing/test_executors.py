"""Executors with one mistake each fail the tests that are meant for it, and no others."""

from __future__ import annotations

from broken import Defect, assert_found, of_kinds


@of_kinds("executors")
def test_a_defect_is_found_by_the_test_that_is_meant_for_it(defect: Defect) -> None:
    assert_found(defect)
