"""A full factorial design has a table and a plot for each pair of factors."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import pytest

from toonlab.report.factors import factorials
from toonlab.report.findings import Findings, find
from toonlab.results import Cell, Results, Variant

SIZE, RANK = "critics.patch.sampler.patch_size", "critics.patch.sampler.rank"


@pytest.fixture
def study(tmp_path: Path) -> Results:
    """patch_size matters, rank does not; `plain` has no factors."""
    cells = []
    for seed, size, rank in product(range(4), (12, 24), ("batch", "image")):
        value = 0.5 + 0.1 * (size == 24) + 0.01 * seed + Random(f"{seed} {size} {rank}").gauss(0, 0.002)
        outcome = {"metrics": {"f1": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 1.0}
        cells.append(Cell(Variant("ctss", {SIZE: size, RANK: rank}), seed, "x", "finished", outcome=outcome))
        cells.append(Cell(Variant("plain"), seed, "x", "finished", outcome=outcome))
    return Results("s", tmp_path, cells, metrics=["f1"], factors={SIZE: [12, 24], RANK: ["batch", "image"]})


def test_what_matters_is_told_from_what_does_not(study: Results) -> None:
    (one,) = factorials(find(study))
    assert (one.recipe, one.problem) == ("ctss", "")
    assert one.anova is not None
    p = {effect.term: effect.p for effect in one.anova.effects}
    assert list(p) == ["patch_size", "rank", "patch_size × rank"]
    assert p["patch_size"] < 1e-6 < 0.05 < p["rank"]
    (chart,) = one.charts
    written = re.findall(r"<text[^>]*>([^<]+)</text>", chart.svg("x", 508))
    assert {"12", "24", "batch", "image", "patch_size", "rank", "f1"} <= set(written)
    assert "24 with image 0.6" in chart.description


def test_why_there_is_no_analysis_is_told(study: Results) -> None:
    (one,) = factorials(find(replace(study, cells=[cell for cell in study.cells if cell.seed == 0])))
    assert one.anova is None
    assert "all values are of one seed" in one.problem
    assert len(one.charts) == 1


def test_other_designs_and_studies_without_factors_have_none(study: Results, made: Callable[..., Findings]) -> None:
    assert not list(factorials(find(replace(study, design="one-at-a-time"))))
    assert not list(factorials(made({"a": [0.5, 0.6, 0.7]})))
