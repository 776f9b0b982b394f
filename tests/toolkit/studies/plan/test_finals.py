"""Finals: which trials run again, and what each is compared with."""

from __future__ import annotations

from pathlib import Path

from searches import SEARCH, SIZE, K

from toonlab import discover
from toonlab.studies.plan.finals import FRESH, Finals, finals_of
from toonlab.studies.plan.search import read_search
from toonlab.studies.plan.search_plan import plans_of
from toonlab.studies.results.results import SearchResult, SearchTrial

WEIGHT = "generator.losses.content.weight"


def finals(file: Path, *trials: list[SearchTrial]) -> Finals:
    search, path = read_search(str(file))
    plans = plans_of(search, path, discover(), {})
    objective = {"metric": "lines", "direction": "maximize"}
    pairs = zip(plans, trials, strict=True)
    found = [
        SearchResult(plan.base.name, objective, {}, control=plan.search.control, default=plan.default, trials=own)
        for plan, own in pairs
    ]
    return finals_of(search, plans, found, 2)


def labels(found: Finals) -> list[str]:
    return [spec.label for spec in found.specs]


def test_of_one_recipe_the_best_trials_are_compared_with_the_default(file: Path) -> None:
    file.write_text(SEARCH.replace("top: 1, ", ""))
    sizes = [
        (24, 1, 0.5),
        (16, 2, 0.9),
        (16, 1, 0.4),
        (24, 2, 0.8),
        (16, 1, 0.3),
        (40, 1, 0.1),
    ]  # the default's is best
    found = finals(file, [SearchTrial(n, {SIZE: size, K: k}, value=value) for n, (size, k, value) in enumerate(sizes)])
    others = [f"small (patch_size {size}, k {k})" for size, k in ((24, 2), (24, 1), (16, 1))]
    assert labels(found) == [f"{label}, seed {seed}" for seed in (FRESH, FRESH + 1) for label in ("small", *others)]
    assert (found.baseline, found.baselines) == ("small", {})
    assert found.searches[0].finals == dict(zip(others, (3, 0, 2), strict=True))
    assert found.specs[-1].recipe.train.seed == FRESH + 1
    assert found.specs[-1].recipe.critics["patch"].sampler.parameters["k"] == 1


def test_of_several_winners_are_compared_with_the_first_and_defaults_with_their_own(several: Path) -> None:
    other = {"generator.losses.content.weight": 3.0}
    several.write_text(
        several.read_text().replace("search:\n", f"search:\n  other: {{{WEIGHT}: {{low: 1, high: 9}}}}\n")
    )
    small = [SearchTrial(0, {K: 2, WEIGHT: 1.5}, value=0.2), SearchTrial(1, {K: 1, WEIGHT: 2.0}, value=0.4)]
    found = finals(several, small, [SearchTrial(0, other, value=0.4), SearchTrial(1, {WEIGHT: 4.0}, value=0.1)])
    winners = ["small (k 1, content.weight 2.0)", "other (content.weight 3.0)"]
    assert labels(found)[:4] == [f"{label}, seed 1000" for label in ("small", winners[0], "other", winners[1])]
    assert found.baseline == winners[0]
    assert found.baselines == {"small": winners[0], "other": winners[1]}
    # the default of the other is its winner: it stands for itself
    found = finals(several, small, [SearchTrial(0, {WEIGHT: 1.5}, value=0.4), SearchTrial(1, other, value=0.1)])
    assert labels(found)[:3] == [f"{label}, seed 1000" for label in ("small", winners[0], "other")]
    assert (found.baseline, found.baselines) == (winners[0], {"small": winners[0]})


def test_a_control_has_no_finals(several: Path) -> None:
    several.write_text(several.read_text().replace("sampler: random", "control: random"))
    own = [SearchTrial(1, {K: 1, WEIGHT: 2.0}, value=0.4)]
    found = finals(several, own, [SearchTrial(2, {K: 1, WEIGHT: 3.0}, value=0.9)], [], [])
    assert labels(found)[:3] == ["small, seed 1000", "small (k 1, content.weight 2.0), seed 1000", "other, seed 1000"]
    assert [len(each.finals) for each in found.searches] == [1, 0, 0, 0]
