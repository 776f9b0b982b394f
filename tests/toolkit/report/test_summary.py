"""The three sentences say what the statistics allow, and no more."""

from collections.abc import Callable

import pytest

from toonlab.report.findings import Findings
from toonlab.report.summary import sentences

BASE = [0.50, 0.52, 0.48, 0.51, 0.49]
BETTER = [value + shift for value, shift in zip(BASE, [0.10, 0.11, 0.09, 0.10, 0.105], strict=True)]
WORSE = [value - shift for value, shift in zip(BASE, [0.10, 0.11, 0.09, 0.10, 0.105], strict=True)]
OPEN = [value + shift for value, shift in zip(BASE, [0.05, -0.04, 0.02, -0.06, 0.04], strict=True)]

Made = Callable[..., Findings]


def test_better_and_worse_and_inconclusive_each_get_their_word(made: Made) -> None:
    asked, out, far = sentences(made({"plain": BASE, "up": BETTER, "down": WORSE, "level": OPEN}, baseline="plain"))
    assert asked == (
        "This study compares up, down and level with plain by outline_f1 (more is better) over 5 seeds; "
        "all 20 runs finished."
    )
    assert out.startswith("Compared with plain, up (+0.101, 95 % interval +0.092 to +0.110, p < 0.001) is better; ")
    assert "; down (−0.101, 95 % interval −0.110 to −0.092, p < 0.001) is worse; " in out
    assert "; the difference of level (+0.002, 95 % interval −0.059 to +0.063, p = 0.93) is inconclusive." in out
    assert far.startswith(
        "The p values are corrected for 3 tests (Holm); inconclusive is not equal: so many seeds miss "
    )
    assert far.endswith(" more often than one time in five; further seeds narrow that (--seeds).")


def test_where_less_is_better_a_smaller_value_is_better(made: Made) -> None:
    found = made({"plain": BASE, "down": WORSE}, baseline="plain", higher={"outline_f1": False})
    asked, out, _ = sentences(found)
    assert "(less is better)" in asked
    assert out == "Compared with plain, down (−0.101, 95 % interval −0.110 to −0.092, p < 0.001) is better."


def test_many_names_stand_without_their_numbers(made: Made) -> None:
    _, out, _ = sentences(made({"plain": BASE, **dict.fromkeys("abc", BETTER)}, baseline="plain"))
    assert out == "Compared with plain, a, b and c are better."


def test_two_seeds_are_no_evidence_and_nothing_is_called_better(made: Made) -> None:
    _, out, far = sentences(made({"plain": BASE[:2], "up": BETTER[:2]}, baseline="plain"))
    assert out == ("No test was made, as 2 seeds are too few; the best mean is 0.615, of up; it may lead by chance.")
    assert far == "A test takes a baseline and 3 seeds of each, so these results are no evidence of a difference."
    assert "better" not in out


def test_one_that_lacks_seeds_is_untested_beside_one_that_is_tested(made: Made) -> None:
    found = made({"plain": BASE, "up": BETTER, "late": BETTER[:2]}, baseline="plain", failed=1)
    asked, out, far = sentences(found)
    assert asked.endswith("12 of 13 runs finished.")
    assert out.endswith("is better; late could not be tested, with too few seeds.")
    assert far.startswith("1 run failed and counts nowhere; one test was made; ")


@pytest.mark.parametrize(
    ("values", "baseline", "says"),
    [
        ({"a": BASE, "b": BETTER}, None, "No test was made, as there is no baseline; "),
        ({"a": BASE}, "a", "No test was made, as there is nothing to compare with; "),
        ({"a": {0: float("nan"), 1: float("nan"), 2: float("inf")}, "b": BASE}, "a", "as no run of a has finished; "),
        ({"a": BASE, "b": {7: 0.6, 8: 0.6, 9: 0.6}}, "a", "as none has 3 finished seeds in common with a; "),
        ({"a": {0: float("nan")}}, "a", "No run has a value of outline_f1, so nothing can be said."),
    ],
)
def test_why_there_is_no_test(made: Made, values: dict[str, list[float]], baseline: str | None, says: str) -> None:
    _, out, _ = sentences(made(values, baseline=baseline))
    assert says in out
    assert "better" not in out
