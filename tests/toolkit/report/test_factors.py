"""A full factorial design has a table and a plot for each pair of factors."""

import re
from collections.abc import Callable
from dataclasses import replace

from toonlab.report.factors import factorials
from toonlab.report.findings import Findings
from toonlab.studies.results.results import StudyResults


def test_what_matters_is_told_from_what_does_not(factorial: StudyResults) -> None:
    (one,) = factorials(Findings(factorial))
    assert (one.recipe, one.problem) == ("ctss", "")
    assert one.anova is not None
    p = {effect.term: effect.p for effect in one.anova.effects}
    assert list(p) == ["patch_size", "rank", "patch_size × rank"]
    assert p["patch_size"] < 1e-6 < 0.05 < p["rank"]
    (chart,) = one.charts
    written = re.findall(r"<text[^>]*>([^<]+)</text>", chart.svg(508))
    assert {"12", "24", "batch", "image", "patch_size", "rank", "f1"} <= set(written)
    assert "24 with image 0.6" in chart.description
    assert "95 % intervals" in chart.caption


def test_why_there_is_no_analysis_is_told(factorial: StudyResults) -> None:
    (one,) = factorials(Findings(replace(factorial, cells=[cell for cell in factorial.cells if cell.seed == 0])))
    assert one.anova is None
    assert "all values are of one seed" in one.problem
    assert len(one.charts) == 1
    assert "intervals" not in one.charts[0].caption


def test_other_designs_and_studies_without_factors_have_none(
    factorial: StudyResults, made: Callable[..., Findings]
) -> None:
    assert not list(factorials(Findings(replace(factorial, design="one-at-a-time"))))
    assert not list(factorials(made({"a": [0.5, 0.6, 0.7]})))
