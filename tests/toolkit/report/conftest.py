"""A study of tiny recipes that have really been trained, its page, and a browser to look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from toonlab import discover
from toonlab.engine.train import train
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.report import write_report
from toonlab.report.findings import Findings
from toonlab.studies.results.results import CellResult, SearchResult, StudyResults, Variant
from toonlab.studies.results.searches import expected

search_result = TypeAdapter(SearchResult).validate_python

HIGHER = {"lines": True, "psnr": True, "seconds": False, "seconds_per_step": False}
TINY = """\
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}
features: {use: random, width: 4, depth: 2}
generator:
  network: {use: ctss_plain, width: 2}
  losses: {content: {}}
critics:
  image: {discriminator: {use: ctss_image, width: 2}, objective: lsgan}
  patch:
    sampler: {use: ctss, patch_size: 16, k: 2}
    representation: gray_minmax
    discriminator: {use: ctss_patch, width: 2}
    objective: lsgan
train: {size: 32, batch: 2, steps: 3, log_every: 1, evaluate_every: 1}
evaluate: {metrics: [lines, psnr], samples: 3, grid: 2}
stages: [{share: 1}]
observers: null
"""
RECIPES = {
    "patches": TINY,
    "lone": "extends: patches\ncritics: {patch: null}\n",
    "untouched": TINY.split("features")[0] + "generator: {network: identity}\n" + "train" + TINY.split("train")[1],
}


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture(scope="session")
def texts() -> Mapping[str, str]:
    """The recipes of the study, by name; `untouched` trains nothing."""
    return {
        name: text.replace("stages: [{share: 1}]\n", "") if name == "untouched" else text
        for name, text in RECIPES.items()
    }


@pytest.fixture(scope="session")
def study(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, texts: Mapping[str, str], cache: None
) -> StudyResults:
    """Three recipes with three seeds: eight runs finished, one failed."""
    folder = tmp_path_factory.mktemp("study")
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    cells = []
    for seed in range(3):
        for name in RECIPES:
            recipe = load(folder / f"{name}.yaml", catalogue, [("train.seed", seed)])
            trained = train(recipe, catalogue, folder / "runs", "study", "cpu", command="toonlab compare study.yaml")
            outcome = trained.outcome.to_json()
            cells.append(CellResult(Variant(name), seed, trained.run.name, "finished", outcome=outcome))
    log = ("step 2  generator 812.4", "DivergedError: <generator/total> is nan")
    cells[-2] = CellResult(Variant("lone"), 2, "lone-s2-00000000", "failed", "generator/total is nan at step 3", log)
    results = StudyResults(
        name="study",
        directory=folder / "runs" / "study",
        cells=cells,
        about="patches or none & what <changes> nothing",
        asked={"recipes": list(RECIPES), "seeds": 3, "metrics": {"primary": "lines", "also": ["psnr"]}},
        command="toonlab compare study.yaml",
        metrics=["lines", "psnr", "seconds_per_step"],
        higher=HIGHER,
        baseline="patches",
        caveats={"psnr": "closeness, not cartoon-ness"},
    )
    results.write()
    return results


@pytest.fixture(scope="session")
def found(study: StudyResults) -> Findings:
    return Findings(study)


@pytest.fixture(scope="session")
def page(study: StudyResults) -> Path:
    return write_report(study)


Values = Mapping[str, Mapping[int, float] | list[float]]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Findings]:
    """`made({"a": [0.5, 0.6], "b": {1: 0.7}})`: findings with these values of lines; a list's seeds are 0, 1, …

    With `scenes=6`, each value is the score of as many scenes; `photo` is the value of the photos.
    """

    def make(values: Values, failed: int = 0, scenes: int = 0, photo: float | None = None, **others: Any) -> Findings:
        cells = [CellResult(Variant(next(iter(values))), 900 + n, "x", "failed", "nan") for n in range(failed)]
        for label, given in values.items():
            by_seed = dict(enumerate(given)) if isinstance(given, list) else given
            for seed, value in by_seed.items():
                outcome = {"metrics": {"lines": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 3.0}
                outcome |= {"scores": {"lines": [value] * scenes}} if scenes else {}
                outcome |= {"photo": {"lines": photo}} if photo is not None else {}
                cells.append(CellResult(Variant(label), seed, f"{label}-s{seed}-00000000", "finished", outcome=outcome))
        given = {"metrics": ["lines"], "higher": HIGHER, **others}
        return Findings(StudyResults("made", tmp_path / "made", cells, **given))

    return make


K, SIZE = "critics.patch.sampler.k", "critics.patch.sampler.patch_size"
DEFAULT, BEST = {K: 4, SIZE: 24}, {K: 8, SIZE: 16}


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StudyResults]:
    """`searched([0.02, 0.01])`: a search whose best trial differs so from the default on fresh seeds.

    The trials' values may be given: the default's, the best's, and those of others.
    """

    def make(
        gains: list[float], values: Sequence[float | None] = (0.600, 0.650, 0.590), direction: str = "maximize"
    ) -> StudyResults:
        params = [DEFAULT, BEST, {K: 1, SIZE: 16}][: len(values)]
        trials = [_trial(n, *pair) for n, pair in enumerate(zip(params, values, strict=True))]
        if len(values) == 3:
            trials += [_trial(3, {K: 2, SIZE: 16}, None, "pruned"), _trial(4, {K: 99, SIZE: 40}, None, "infeasible")]
        cells = []
        for index, gain in enumerate(gains):
            base = 0.6 + 0.02 * (-1) ** index
            for levels, value in (({}, base), (BEST, base + gain)):
                outcome = {"metrics": {"f1": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 1.0}
                cells.append(CellResult(Variant("ctss", levels), 1000 + index, "x", "finished", outcome=outcome))
        record = {
            "recipe": "ctss",
            "objective": {"metric": "f1", "direction": direction},
            "space": {K: {"low": 1, "high": 8, "step": 1}, SIZE: {"low": 8, "high": 40, "step": 8}},
            "seeds_per_trial": 2,
            "default": DEFAULT,
            "trials": trials,
            "importances": {K: 0.7, SIZE: 0.3},
        }
        higher, directory = {"f1": direction == "maximize"}, tmp_path_factory.mktemp("search")
        search, known = (
            search_result(record),
            {"metrics": ["f1"], "higher": higher, "baseline": "ctss"},
        )
        return StudyResults("s", directory, cells, "tune", search=search, **known)

    return make


@pytest.fixture(scope="session")
def budgeted(searched: Callable[..., StudyResults]) -> StudyResults:
    """ctss, its control and plain with the same budget: on fresh seeds tuned ctss gains .04, tuned plain .01."""
    results, weight = searched([]), "generator.losses.content.weight"
    space = {weight: {"low": 0.5, "high": 50.0, "log": True, "choices": None, "step": None, "integer": False}}
    told = [_trial(0, {weight: 5.0}, 0.5), _trial(1, {weight: 49.0}, 0.55)]
    assert results.search is not None
    first = replace(results.search, budget={"trials": 5}, finals={"ctss (k 8, patch_size 16)": 1})
    plain = {
        "recipe": "plain",
        "objective": first.objective,
        "space": space,
        "trials": told,
        "default": told[0]["params"],
    }
    plain |= {"finals": {"plain (trial 1)": 1}, "edges": {weight: "high"}, "seeds_per_trial": 2}
    found = [first, replace(first, control="random", finals={}), search_result(plain)]
    found = [replace(each, expected=expected(each.trials, higher=True)) for each in found]
    levels = {"ctss": [{}, BEST], "plain": [{}, {"trial": 1}]}
    values, cells = iter([(0.6, 0.64, 0.52, 0.53 + 0.0001 * n) for n in range(9)]), []
    for seed, each in enumerate(values, 1000):
        variants = [Variant(recipe, own) for recipe, both in levels.items() for own in both]
        for variant, value in zip(variants, each, strict=True):
            outcome = {
                "metrics": {"f1": value + 0.001 * (seed % 3)},
                "photo": {},
                "costs": {},
                "measured": {},
                "seconds": 1.0,
            }
            cells.append(CellResult(variant, seed, "x", "finished", outcome=outcome))
    winners = [cells[1].variant.label, cells[3].variant.label]
    baselines = {"ctss": winners[0], "plain": winners[1]}
    return replace(results, cells=cells, search=found[0], further=found[1:], baseline=winners[0], baselines=baselines)


@pytest.fixture(scope="session")
def fronted(searched: Callable[..., StudyResults]) -> StudyResults:
    """A search for f1 and g: the best trial of f1 is worse in g, and on the front with the default."""
    results = searched([0.06, 0.061, 0.059, 0.06, 0.06, 0.06])
    for place, cell in enumerate(results.cells):
        assert cell.outcome is not None
        cell.outcome["metrics"]["g"] = 0.5 - 0.2 * bool(cell.variant.levels) + 0.001 * place
    values = [{"f1": 0.6, "g": 0.5}, {"f1": 0.65, "g": 0.3}, {"f1": 0.59, "g": 0.4}]
    assert results.search is not None
    trials = [replace(t, values=v) for t, v in zip(results.search.trials[:3], values, strict=True)]
    both = {"f1": "maximize", "g": "maximize"}
    finals = {"ctss (k 8, patch_size 16)": 1}
    search = replace(results.search, trials=trials, front=[1, 0], objectives=both, finals=finals)
    higher = {"f1": True, "g": True}
    return replace(results, search=search, metrics=["f1", "g"], guards=["g"], higher=higher)


def _trial(number: int, params: dict[str, Any], value: float | None, state: str = "complete") -> dict[str, Any]:
    state = "failed" if value is None and state == "complete" else state
    reason = "it would not fit" if state in ("infeasible", "failed") else None
    intermediate = {"20": 0.5} if state == "pruned" else {}
    return {"number": number, "params": params, "state": state, "value": value, "seeds": {},
            "intermediate": intermediate, "reason": reason}  # fmt: skip


@pytest.fixture(scope="session")
def factorial(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """patch_size matters, rank does not; `plain` has no factors."""
    rank, cells = "critics.patch.sampler.rank", []
    for seed, size, level in product(range(4), (12, 24), ("batch", "image")):
        value = 0.5 + 0.1 * (size == 24) + 0.01 * seed + Random(f"{seed} {size} {level}").gauss(0, 0.002)
        outcome = {"metrics": {"f1": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 1.0}
        cells.append(CellResult(Variant("ctss", {SIZE: size, rank: level}), seed, "x", "finished", outcome=outcome))
        cells.append(CellResult(Variant("plain"), seed, "x", "finished", outcome=outcome))
    factors, folder = {SIZE: [12, 24], rank: ["batch", "image"]}, tmp_path_factory.mktemp("factorial")
    return StudyResults("s", folder, cells, metrics=["f1"], factors=factors, baseline="plain")
