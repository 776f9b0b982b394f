"""The three sentences say what the statistics allow, and no more."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from toonlab.report.findings import Findings
from toonlab.report.summary import sentences
from toonlab.studies.results.registration import register

BASE = [0.50, 0.52, 0.48, 0.51, 0.49, 0.50, 0.53, 0.47, 0.50]
BETTER = [value + shift for value, shift in zip(BASE, [0.10, 0.11, 0.09] * 3, strict=True)]
WORSE = [value - shift for value, shift in zip(BASE, [0.10, 0.11, 0.09] * 3, strict=True)]
OPEN = [value + shift for value, shift in zip(BASE, [0.05, -0.04, 0.02] * 3, strict=True)]
SAME = [value + shift for value, shift in zip(BASE, [0.02, -0.01, 0.01] * 3, strict=True)]

Made = Callable[..., Findings]


def test_each_word_has_its_clause_and_the_limits_say_what_it_rests_on(made: Made) -> None:
    values = {"plain": BASE, "up": BETTER, "down": WORSE, "level": SAME, "open": OPEN}
    asked, out, far = sentences(made(values, baseline="plain", scenes=6, photo=0.1))
    assert asked == (
        "This study compares up, down, level and open with plain by lines (more is better) over 9 seeds; "
        "all 45 runs finished."
    )
    assert out == (
        "Compared with plain, up (+0.100, interval +0.090 to +0.110) is better; "
        "down (−0.100, interval −0.110 to −0.090) is worse; "
        "level (+0.010, interval −0.010 to +0.020) is equivalent; "
        "the difference of open (+0.020, interval −0.040 to +0.050) is undecided."
    )
    assert far == (
        "Words rest on 9 seeds and 6 scenes, intervals of 98.75 % (4 of them hold together with a chance of 95 %) "
        "and a margin of 0.03; undecided is not equal: --plan DELTA tells how many seeds a difference of DELTA takes."
    )


def test_where_less_is_better_a_smaller_value_is_better(made: Made) -> None:
    found = made({"plain": BASE, "down": WORSE}, baseline="plain", higher={"lines": False}, scenes=6)
    asked, out, far = sentences(found)
    assert "(less is better)" in asked
    assert out == "Compared with plain, down (−0.100, interval −0.110 to −0.090) is better."
    assert far.startswith("Words rest on 9 seeds and 6 scenes, intervals of 95 % and a margin of 0.03; results on")


def test_many_names_stand_without_their_numbers(made: Made) -> None:
    _, out, _ = sentences(made({"plain": BASE, **dict.fromkeys("abc", BETTER)}, baseline="plain"))
    assert out == "Compared with plain, a, b and c are better."


def test_methods_at_the_floor_are_called_so_and_a_baseline_there_as_well(made: Made) -> None:
    found = made({"plain": BASE, "up": BETTER, "down": WORSE}, baseline="plain", scenes=6, photo=0.5)
    _, out, far = sentences(found)
    assert out.startswith("Compared with plain, up (+0.100, interval +0.090 to +0.110) is better; down (")
    assert out.endswith(") is at the floor: not shown to be above the unmodified photo.")
    assert "; plain itself is not shown to be above the floor; " in far


def test_two_seeds_are_no_evidence_and_nothing_is_called_better(made: Made) -> None:
    _, out, far = sentences(made({"plain": BASE[:2], "up": BETTER[:2]}, baseline="plain"))
    assert out == (
        "Nothing is decided, as 2 seeds are too few; these comparisons need 6; "
        "the best mean is 0.615, of up; it may lead by chance."
    )
    assert far == "Undecided is not equal: --plan DELTA tells how many seeds a difference of DELTA takes."
    assert "is better" not in out


def test_a_floor_is_no_method_and_hides_no_reason(made: Made) -> None:
    values = {"plain": BASE[:2], "up": BETTER[:2], "photo": [0.3, 0.3]}
    _, out, _ = sentences(made(values, baseline="plain", floors=["photo"]))
    assert out.startswith("Nothing is decided, as 2 seeds are too few; these comparisons need 6; ")
    _, out, _ = sentences(made({"plain": BASE, "photo": [0.3] * 9}, baseline="plain", floors=["photo"], scenes=6))
    assert out.startswith("Nothing is decided, as there are only floors to compare with; ")


def test_one_that_lacks_seeds_is_undecided_next_to_one_that_is_decided(made: Made) -> None:
    found = made({"plain": BASE, "up": BETTER, "late": BETTER[:2]}, baseline="plain", failed=1)
    asked, out, far = sentences(found)
    assert asked.endswith("20 of 21 runs finished.")
    assert out.endswith("is better; the difference of late is undecided.")
    assert far.startswith("1 run failed and counts nowhere; words rest on 9 seeds, intervals of 97.5 % ")
    assert "; lines has no scores of scenes for up: over seeds alone; " in far


def test_methods_without_randomness_say_so(made: Made) -> None:
    _, _, far = sentences(made({"plain": [0.5, 0.5], "fixed": [0.7, 0.7]}, baseline="plain", scenes=6))
    assert far.startswith("Words rest on 6 scenes, ")
    assert "; fixed has no randomness: over scenes alone; " in far


def test_a_study_that_stops_by_itself_says_at_which_look(made: Made) -> None:
    values = {"plain": BASE, "up": BETTER, "open": OPEN}
    _, _, far = sentences(made(values, baseline="plain", scenes=6, max_seeds=9))
    assert "; decided at 9 seeds: up; futile: undecided at 9 seeds: open; " in far
    assert "intervals of 99.5 % (2 of them" in far
    early = {label: of[:5] for label, of in values.items()}
    assert "as the first look is at 9 seeds; " in sentences(made(early, baseline="plain", max_seeds=24))[1]


def test_a_registered_study_says_whether_it_was_kept(made: Made) -> None:
    found = made({"plain": BASE, "up": BETTER}, baseline="plain", scenes=6)
    register(replace(found.results, cells=[replace(cell, status="waiting") for cell in found.results.cells]))
    day = datetime.now(UTC).isoformat()[:10]
    assert sentences(found)[2].startswith(f"The study was registered on {day}, before it ran, and kept; words rest on ")
    changed = Findings(replace(found.results, margin=0.1, guards=["psnr"], higher={"lines": True}))
    assert f"{day}, before it ran, and changed after that: guards and margin; " in sentences(changed)[2]


@pytest.mark.parametrize(
    ("values", "others", "says"),
    [
        ({"a": BASE, "b": BETTER}, {"baseline": None}, "as there is no baseline; "),
        ({"a": BASE}, {"baseline": "a"}, "as there is nothing to compare with; "),
        ({"a": {0: float("nan"), 1: float("inf")}, "b": BASE}, {"baseline": "a"}, "as no run of a has finished; "),
        ({"a": BASE, "b": {17: 0.6, 18: 0.6}}, {"baseline": "a"}, "none has a finished seed in common with a; "),
        ({"a": BASE, "b": BETTER}, {"baseline": "a", "scenes": 4}, "as fewer than 5 scenes are too few; "),
        ({"a": {0: float("nan")}}, {"baseline": "a"}, "No run has a value of lines, so nothing can be said."),
    ],
)
def test_why_nothing_is_decided(made: Made, values: dict[str, Any], others: dict[str, Any], says: str) -> None:
    _, out, _ = sentences(made(values, **others))
    assert says in out
    assert "better" not in out
