"""Which cells a study runs next that decides on their number, and what it says of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from toonlab import discover
from toonlab.studies.executors.cell import Cell, cells_of
from toonlab.studies.plan.experiment import plan_cells, read_experiment
from toonlab.studies.plan.looks import decisions, next_cells
from toonlab.studies.results.results import CellResult, StudyResults

EMPTY = StudyResults("s", Path("s"), [], metrics=["lines"], baseline="canny", floors=["dots"], max_seeds=13)


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    file = tmp_path / "deciding.yaml"
    (tmp_path / "same.yaml").write_text("data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 8}\n")
    file.write_text(
        "recipes: [canny, {use: canny, name: twin}, {use: canny, low: 60, name: near}, dots]\nat: same.yaml\n"
        "metrics: {primary: lines}\ndecide: {max_seeds: 13}\n"
    )
    plan, path = read_experiment(str(file))
    return cells_of(plan_cells(plan, path, {}, discover()), discover())


def ended(cells: Sequence[Cell]) -> list[CellResult]:
    """With scores by which `twin` is better, and `near` is undecided at every look."""
    found = []
    for cell in cells:
        label, seed = cell.spec.variant.label, cell.spec.recipe.train.seed
        value = {"canny": 0.5, "twin": 0.6, "near": 0.5 + 0.1 * (-1) ** seed, "dots": 0.2}[label] + seed / 100
        outcome = {"metrics": {}, "scores": {"lines": [value] * 6}, "photo": {}, "photo_scores": {"lines": [0.1] * 6}}
        outcome |= {"measured": {}, "costs": {}, "seconds": 1.0}
        found.append(replace(cell.waiting, status="finished", outcome=outcome))
    return found


def test_only_undecided_variants_with_the_baseline_and_floors_get_seeds(cells: list[Cell]) -> None:
    first = next_cells(EMPTY, cells)
    assert sorted({cell.spec.recipe.train.seed for cell in first}) == list(range(9))
    assert len(first) == 9 * 4
    looked = EMPTY.with_cells(ended(first))
    second = next_cells(looked, cells)
    assert {(c.spec.variant.label, c.spec.recipe.train.seed) for c in second} == {
        (label, seed) for label in ("canny", "near", "dots") for seed in range(9, 13)
    }
    assert next_cells(looked.with_cells([*looked.cells, *ended(second)]), cells) == []  # the last look


def test_a_variant_that_always_fails_gets_no_more_seeds(cells: list[Cell]) -> None:
    looked = ended(next_cells(EMPTY, cells))
    failed = [replace(one, status="failed") if one.variant.label == "near" else one for one in looked]
    assert next_cells(EMPTY.with_cells(failed), cells) == []


def test_other_studies_run_all_their_cells_once(cells: list[Cell]) -> None:
    fixed = replace(EMPTY, max_seeds=None)
    assert next_cells(fixed, cells) == cells
    assert next_cells(fixed.with_cells(ended(cells[:1])), cells) == []


def test_what_is_decided_is_told(cells: list[Cell]) -> None:
    first = ended(next_cells(EMPTY, cells))
    assert list(decisions(EMPTY.with_cells(first[:8]))) == [
        "looks at 9, 13 seeds; variants that are undecided go on to the next"
    ]
    looked = EMPTY.with_cells(first)
    assert [line.partition(",")[0] for line in decisions(looked)] == [
        "twin: better",
        "dots: at the floor",
        "looks at 9",
    ]
    last = looked.with_cells([*looked.cells, *ended(next_cells(looked, cells))])
    assert "near: futile: undecided at 13 seeds" in list(decisions(last))
