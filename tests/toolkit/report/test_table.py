"""The rows of a report's table."""

from collections.abc import Callable

from toonlab.report.findings import Findings
from toonlab.report.table import lines

Made = Callable[..., Findings]
BASE = [0.50, 0.52, 0.48]


def test_a_line_has_its_values_its_difference_and_every_seed(made: Made) -> None:
    plain, up = lines(made({"plain": BASE, "up": [0.60, 0.62, 0.585]}, baseline="plain"))
    assert [entry.text for entry in plain.entries] == ["0.500 ± 0.020", "3.000 ± 0.000"]
    assert [entry.best for entry in up.entries] == [True, True]  # the same seconds
    assert (plain.verdict, plain.symbol, plain.difference, plain.interval) == ("baseline", "·", None, "")
    assert (up.verdict, up.symbol, up.count) == ("better", "▲", 3)
    assert up.difference is not None
    assert (up.difference.text, up.interval) == ("+0.102", "+0.094 to +0.109")
    detail = up.details[0]
    assert detail.metric == "outline_f1"
    assert detail.seeds == [(0, "0.600"), (1, "0.620"), (2, "0.585")]
    assert (detail.difference, detail.verdict) == ("+0.102 (+0.094 to +0.109)", "better")
    assert detail.p == "< 0.001"
    assert detail.p_permutation == ""  # too few seeds
    assert plain.details[0].difference == ""


def test_a_value_that_is_not_finite_is_shown_with_its_seed_and_counts_nowhere(made: Made) -> None:
    (line,) = lines(made({"a": {2: 0.5, 1: float("nan")}}))
    assert line.entries[0].text == "0.500"
    assert line.count == 2
    assert line.details[0].seeds == [(1, "nan"), (2, "0.500")]


def test_a_single_variant_is_not_the_best(made: Made) -> None:
    (line,) = lines(made({"a": BASE}))
    assert not any(entry.best for entry in line.entries)


def test_the_photo_stands_above_where_no_variant_has_its_values(made: Made) -> None:
    found = made({"a": BASE, "b": BASE})
    for cell in found.results.cells:
        cell.outcome["photo"]["outline_f1"] = 0.4
    photo, *others = lines(found)
    assert (photo.label, photo.count, [entry.text for entry in photo.entries]) == (
        "the unmodified photo",
        0,
        ["0.400", "–"],
    )
    assert [line.label for line in others] == ["a", "b"]


def test_runs_that_failed_are_a_note(made: Made) -> None:
    line = lines(made({"a": BASE}, failed=2))[0]
    assert line.title == "a (2 failed)"
    assert line.count == 3
