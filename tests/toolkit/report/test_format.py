"""Numbers are written with the digits that they are worth."""

import pytest

from toonlab.report.format import interval, listed, mean_and_spread, number, p_value, places, signed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.6517, "0.652"),
        (14.6, "14.60"),
        (215.4, "215"),
        (12400.0, "12,400"),
        (0.00123, "0.00123"),
        (0, "0"),
        (-1.5, "−1.500"),
    ],
)
def test_a_number_by_itself(value: float, text: str) -> None:
    assert number(value) == text


def test_numbers_of_one_kind_have_the_digits_of_the_largest() -> None:
    digits = places([0.6517, 0.0004, float("nan")])
    assert [number(value, digits) for value in (0.6517, 0.0004, -1e-17)] == ["0.652", "0.000", "0.000"]
    assert signed(0.0421, digits) == "+0.042"
    assert interval((-0.0214, 0.0631), digits) == "−0.021 to +0.063"
    assert mean_and_spread([0.5, 0.7], digits) == "0.600 ± 0.141"
    assert mean_and_spread([14.6]) == "14.60"
    assert mean_and_spread([]) == "–"


def test_a_probability_is_never_rounded_to_nothing() -> None:
    assert [p_value(p) for p in (0.00001, 0.0119, 0.4567)] == ["< 0.001", "0.012", "0.46"]


def test_lists_in_words() -> None:
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg"), 4) == "a, b, c and 4 others"
