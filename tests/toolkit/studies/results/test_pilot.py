"""The seeds that a difference takes: by simulation as by the tests that decide, and from what has finished."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from toonlab.errors import ToonlabError
from toonlab.stats.verdicts import level_of, typical_difference
from toonlab.studies.results.pilot import Variation, plan, power, seeds_needed, variations
from toonlab.studies.results.results import CellResult, StudyResults, Variant

NOTHING = np.empty(0)


def test_without_any_variation_the_fewest_seeds_do() -> None:
    assert seeds_needed(Variation(3, 0.0, NOTHING), 0.01, 1, None) == 6
    assert seeds_needed(Variation(3, 0.0, NOTHING), 0.01, 1, 24) == 9
    assert seeds_needed(Variation(3, 0.0, NOTHING), 0.01, 12, 24) == 13


def test_smaller_differences_take_more_seeds_and_tiny_ones_too_many() -> None:
    some = Variation(5, 0.05, NOTHING)
    needed = [seeds_needed(some, delta, 1, None) for delta in (0.2, 0.1, 0.05, 0.03)]
    assert needed == sorted(needed, key=lambda count: count or 0)
    assert needed[0] == 6
    assert seeds_needed(some, 0.001, 1, None) is None
    assert seeds_needed(some, 0.01, 1, 24) is None


def test_scenes_that_vary_too_much_are_outweighed_by_no_seeds() -> None:
    scenes = np.random.default_rng(0).normal(size=24)
    assert seeds_needed(Variation(5, 0.05, scenes), 0.2, 1, None) is None


def test_the_power_is_that_of_the_intervals_which_decide() -> None:
    """The share of studies, drawn with seeds and scenes, whose interval excludes zero."""
    chance, delta, found = np.random.default_rng(1), 0.06, 0
    scenes = 0.05 * chance.standard_normal(24)
    scenes *= 0.05 / scenes.std(ddof=1)
    for _ in range(500):
        drawn = delta + 0.05 * chance.normal(size=(12, 1)) + 0.05 * chance.normal(size=24)
        one = typical_difference(dict(enumerate(drawn)), dict(enumerate(np.zeros((12, 24)))), level_of(2))
        found += one is not None and one.interval is not None and one.interval[0] > 0
    expected = power(Variation(12, 0.05, scenes), delta, [(12, level_of(2))])
    assert found / 500 == pytest.approx(expected, abs=0.08)
    assert 0.2 < expected < 0.95


@pytest.fixture
def study(tmp_path: Path) -> StudyResults:
    """Of three seeds, `ctss` has finished two."""
    cells = []
    for seed, label in [(0, "plain"), (0, "ctss"), (0, "dots"), (1, "plain"), (1, "ctss"), (1, "dots"), (2, "plain")]:
        values = [0.5 + 0.02 * seed * (label == "ctss") + 0.01 * scene for scene in range(6)]
        outcome = {"metrics": {"lines": 0.5}, "scores": {"lines": values}, "photo": {}, "measured": {}, "costs": {}}
        outcome["seconds"] = 60.0
        cells.append(CellResult(Variant(label), seed, f"{label}-s{seed}-0", "finished", outcome=outcome))
    return StudyResults("s", tmp_path / "s", cells, metrics=["lines"], baseline="plain", floors=["dots"])


def test_the_pilot_is_what_has_finished(study: StudyResults) -> None:
    found = variations(study)
    assert list(found) == ["ctss"]  # a floor is nothing to be found better
    assert (found["ctss"].pilot, len(found["ctss"].scenes)) == (2, 6)
    assert found["ctss"].seeds == pytest.approx(0.02 / 2**0.5)
    assert found["ctss"].over_scenes == pytest.approx(0, abs=1e-9)


def test_the_lines_say_seeds_and_time(study: StudyResults) -> None:
    lines = list(plan(replace(study, cells=[]), study.cells, 0.05))
    assert lines[0] == "to find a difference of 0.05 in lines with a chance of 80%:"
    assert lines[1].startswith("ctss: 6 seeds (it varies by 0.0141 between seeds, by ")
    assert lines[1].endswith("; from 2 seeds, roughly)")
    assert lines[2] == "in all: 6 seeds, 18 runs, of which 7 have finished; the others take about 11:00, one at a time"
    tiny = list(plan(replace(study, cells=[], max_seeds=24), study.cells, 1e-4))
    assert tiny[1].startswith("ctss: more than 24 seeds (")
    assert len(tiny) == 2


def test_without_a_pilot_or_a_difference_there_is_one_line(study: StudyResults) -> None:
    with pytest.raises(ToonlabError, match="s: no variant has 2 finished seeds in common with plain, so it is unknown"):
        plan(study, study.cells[:4], 0.05)
    with pytest.raises(ToonlabError, match="--plan: got 0, expected a number above 0, in the unit of lines"):
        plan(study, study.cells, 0)
