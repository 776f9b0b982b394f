"""Comparisons of a study: which values they rest on, the floor, guards, the family, and looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toonlab.stats.verdicts import ALPHA, LOOKS
from toonlab.studies.results.comparisons import by_label, difference, family, reached
from toonlab.studies.results.results import CellResult, StudyResults, Variant

BASE = [0.50, 0.52, 0.48, 0.51, 0.49, 0.50, 0.53, 0.47, 0.50]
Made = Callable[..., StudyResults]


def outcome(values: Mapping[str, Any], photo: float | None = 0.0) -> dict[str, Any]:
    """Numbers are values of whole sets, lists are scores of scenes."""
    lists = {name: value if isinstance(value, list) else [] for name, value in values.items()}
    metrics = {name: lists[name][-1] if lists[name] else value for name, value in values.items()}
    photos = {"photo": dict.fromkeys(values, photo)} if photo is not None else {"photo": {}}
    scores = {name: of for name, of in lists.items() if of}
    photo_scores = (
        {"photo_scores": {name: [photo] * len(of) for name, of in scores.items()}} if photo is not None else {}
    )
    return {"metrics": metrics, "scores": scores, **photos, **photo_scores, "costs": {}, "measured": {}, "seconds": 1.0}


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """`made({"plain": [{"lines": 0.5}, …], …})`: a study whose first variant is the baseline."""

    def make(
        values: Mapping[str, Sequence[Mapping[str, Any] | None]], photo: float | None = 0.0, **known: Any
    ) -> StudyResults:
        cells = [
            CellResult(Variant(label), seed, f"{label}-s{seed}-0")
            if given is None
            else CellResult(Variant(label), seed, f"{label}-s{seed}-0", "finished", outcome=outcome(given, photo))
            for seed in range(max(map(len, values.values())))
            for label, of in values.items()
            if seed < len(of)
            for given in [of[seed]]
        ]
        names = list(dict.fromkeys(name for of in values.values() for given in of if given for name in given))
        given = {"metrics": names, "higher": dict.fromkeys(names, True), "baseline": next(iter(values)), **known}
        return StudyResults("s", tmp_path, cells, **given)

    return make


def of(values: Sequence[float], scenes: int = 0, shift: float = 0.0, **others: float) -> list[dict[str, Any]]:
    return [{"lines": [v + shift] * scenes if scenes else v + shift, **others} for v in values]


def words(results: StudyResults) -> dict[str, str]:
    return {label: one.word for label, one in results.verdicts.items()}


def test_scores_of_scenes_are_compared_and_without_them_seeds_alone(made: Made) -> None:
    study = made({"plain": of(BASE, 6), "up": of(BASE, 6, 0.1), "old": of(BASE, 0, 0.1), "odd": of(BASE, 7, 0.1)})
    rest = {label: (one.primary.seeds, one.primary.scenes) for label, one in study.verdicts.items()}
    assert rest == {"up": (9, 6), "old": (9, 0), "odd": (9, 0)}
    assert set(words(study).values()) == {"better"}
    assert {one.level for one in study.verdicts.values()} == {ALPHA / 3}


def test_scenes_without_a_score_and_values_that_are_not_finite_count_nowhere(made: Made) -> None:
    up = of(BASE, 7, 0.1)
    up[0]["lines"][0], up[3]["lines"][1] = None, float("inf")
    study = made({"plain": of(BASE, 7), "up": up, "lost": [{"lines": v} for v in (*BASE[:8], float("nan"))]})
    assert (study.verdicts["up"].primary.seeds, study.verdicts["up"].primary.scenes) == (9, 5)
    assert study.verdicts["lost"].primary.seeds == 8


def test_a_method_at_the_floor_is_called_so_whatever_else_it_is(made: Made) -> None:
    values = {"plain": of(BASE, 6), "down": of(BASE, 6, -0.45), "up": of(BASE, 6, 0.1)}
    assert words(made(values)) == {"down": "worse", "up": "better"}
    assert words(made(values, photo=0.05)) == {"down": "at the floor", "up": "better"}
    assert words(made(values, photo=0.6)) == {"down": "at the floor", "up": "at the floor"}
    assert words(made(values, photo=None)) == {"down": "worse", "up": "better"}  # of an old outcome
    less = made(values, photo=0.05, higher={"lines": False})
    assert words(less) == {"down": "at the floor", "up": "at the floor"}  # where less is better, 0.05 is hard to reach


def test_floors_are_no_comparisons_and_others_have_to_be_above_them(made: Made) -> None:
    values = {"plain": of(BASE, 6), "dots": of([0.55] * 9, 6), "up": of(BASE, 6, 0.04), "top": of(BASE, 6, 0.2)}
    study = made(values, floors=["dots"])
    assert words(study) == {"dots": "at the floor", "up": "at the floor", "top": "better"}
    assert family(study) == 2
    assert words(made(values))["up"] == "better"


def test_too_few_seeds_leave_all_open(made: Made) -> None:
    study = made({"plain": of(BASE[:5], 6), "up": of(BASE[:5], 6, 0.1), "down": of(BASE[:5], 6, -0.5)})
    assert words(study) == {"up": "undecided", "down": "undecided"}
    assert study.verdicts["up"].primary.interval is None
    assert str(study.verdicts["up"]) == "+0.100, undecided"


def test_guards_share_the_level_and_have_their_own_direction(made: Made) -> None:
    up = [{**given, "surfaces": 0.1, "blur": 0.5} for given in of(BASE, 0, 0.1)]
    base = [
        {**given, "surfaces": 0.1 + v / 100, "blur": 0.1 + v / 100} for given, v in zip(of(BASE), BASE, strict=True)
    ]
    study = made({"plain": base, "up": up}, guards=["surfaces"])
    assert words(study) == {"up": "better"}
    assert words(replace(study, margin=0.001)) == {"up": "trade-off"}
    assert words(replace(study, guards=["surfaces", "blur"])) == {"up": "better"}
    less = replace(study, guards=["surfaces", "blur"], higher={"lines": True, "surfaces": True, "blur": False})
    assert words(less) == {"up": "trade-off"}
    measured = by_label(less)
    expected = difference(measured["up"], measured["plain"], "blur", ALPHA / 2)
    assert less.verdicts["up"].guards["blur"] == expected
    assert words(replace(study, guards=["psnr"], higher={"lines": True})) == {"up": "undecided"}  # it is unknown


def test_rows_without_randomness_are_compared_over_scenes(made: Made) -> None:
    study = made({"plain": of([0.5] * 2, 6), "up": of([0.6] * 2, 6)})
    assert words(study) == {"up": "better"}
    assert study.verdicts["up"].primary.seeds == 0
    assert words(made({"plain": of([0.354] * 3), "up": of([0.355] * 3)})) == {"up": "undecided"}  # nothing varies


# -- studies that look several times


def looked(made: Made, count: int, shift: float = 0.1, **known: Any) -> StudyResults:
    base = [0.5 + 0.01 * (seed % 3) for seed in range(count)]
    open_ = [v + (0.2 if seed % 2 else -0.2) for seed, v in enumerate(base)]
    return made({"plain": of(base, 6), "up": of(base, 6, shift), "open": of(open_, 6)}, max_seeds=24, **known)


def test_a_study_says_nothing_between_its_looks(made: Made) -> None:
    early = looked(made, 8)
    assert words(early) == {"up": "undecided", "open": "undecided"}
    assert {(one.look, one.primary.interval) for one in early.verdicts.values()} == {(0, None)}
    first, later = looked(made, 9), looked(made, 12)
    assert first.verdicts["up"] == later.verdicts["up"]  # by the first nine seeds alone
    assert (first.verdicts["up"].word, first.verdicts["up"].look) == ("better", 9)
    assert first.verdicts["up"].level == pytest.approx(ALPHA * LOOKS[9] / 2)


def test_a_method_that_may_be_above_the_floor_gets_more_seeds(made: Made) -> None:
    early, late = looked(made, 9, -0.1, photo=0.5), looked(made, 24, -0.1, photo=0.5)
    assert words(early) == {"up": "at the floor", "open": "undecided"}  # of the first, a gain of the margin is excluded
    assert words(late) == {"up": "at the floor", "open": "at the floor"}
    assert [one.look for one in late.verdicts.values()] == [9, 24]


def test_what_was_decided_at_a_look_stays(made: Made) -> None:
    study = looked(made, 24)
    assert {label: (one.word, one.look) for label, one in study.verdicts.items()} == {
        "up": ("better", 9),
        "open": ("undecided", 24),
    }


def test_a_look_waits_for_all_cells_of_a_pair_and_a_failed_one_is_missing(made: Made) -> None:
    study = looked(made, 9)
    seed_8 = [cell for cell in study.cells if cell.seed == 8]
    waiting = [replace(c, status="waiting") if c.variant.label == "up" and c in seed_8 else c for c in study.cells]
    assert [look for look, _ in reached(study.with_cells(waiting), "open")] == [9]
    assert [look for look, _ in reached(study.with_cells(waiting), "up")] == []
    failed = [replace(c, status="failed") if c.status == "waiting" else c for c in waiting]
    one = study.with_cells(failed).verdicts["up"]
    assert (one.look, one.primary.seeds) == (9, 8)


def test_variants_with_baselines_of_their_own_are_compared_with_them_and_with_their_floors(made: Made) -> None:
    values = {
        "plain a": of(BASE, 6),
        "up a": of(BASE, 6, 0.1),
        "dots a": of([0.1] * 9, 6),
        "plain b": of(BASE, 6, 2),
        "up b": of(BASE, 6, 1.9),
        "dots b": of([0.2] * 9, 6),
        "late b": of(BASE, 6, -0.3),
    }
    baselines = {label: f"plain {label[-1]}" for label in values}
    study = made(values, baselines=baselines, floors=["dots a", "dots b"])
    assert words(study) == {
        **{"up a": "better", "dots a": "at the floor"},  # by 0.1, not by -1.9
        **{"up b": "worse", "dots b": "at the floor", "late b": "at the floor"},  # above the floor of a, not of b
    }
    assert family(study) == 3
    assert study.baseline_text == "plain a, plain b at the same level"
    assert study.with_cells([]).baseline_text == "the baseline at the same level"  # before anything has run
    assert made(values, floors=["dots a", "dots b"]).verdicts["up b"].word == "better"
