"""Searches: what is proposed, what can't be, what a trial is worth, and what is left of it on fresh seeds."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from optuna.trial import TrialState
from searches import SEARCH, SIZE, K, plan_of

from toonlab import discover
from toonlab.errors import BusyError, ToonlabError
from toonlab.runs.directory import read_metrics
from toonlab.studies.executors.cell import cells_of
from toonlab.studies.executors.display import Display
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.optuna_study import OptunaStudy
from toonlab.studies.plan.finals import FRESH, finals_of
from toonlab.studies.plan.search import read_search
from toonlab.studies.plan.search_plan import plans_of
from toonlab.studies.results.results import StudyResults
from toonlab.studies.tune import tune
from toonlab.types import Outcome
from toonlab.utils.signals import Interrupted


def test_a_search_from_the_default_to_the_confirmation(file: Path, tmp_path: Path) -> None:
    where = ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    results = tune(str(file), discover(), where)
    search = results.search
    assert search is not None
    assert search.default == {SIZE: 16, K: 2}
    first, *others = search.trials
    assert (first.default, first.params, first.state) == (True, {SIZE: 16, K: 2}, "complete")
    assert sum(trial.state == "complete" for trial in search.trials) == 3
    for trial in others:  # 40 pixels do not fit an image of 32, and 24 leave one position
        if trial.params[SIZE] == 40 or (trial.params[SIZE] == 24 and trial.params[K] == 2):
            assert trial.state == "infeasible"
            assert "fit" in trial.reason or "k can be at most 1" in trial.reason
        else:
            assert trial.value == pytest.approx(sum(trial.seeds.values()) / 2)
    # the value is the last evaluation's, on validation, not that of the test split
    run = next((tmp_path / "runs" / "search").glob("small-s0-*/outcome.json"))
    evaluations = [
        line["evaluation"]["lines"] for line in read_metrics(run.parent / "metrics.jsonl") if "evaluation" in line
    ]
    assert evaluations[-1] in [value for trial in search.trials for value in trial.seeds.values()]
    default, best = results.variants
    assert (results.baseline, default.label) == ("small", "small")
    assert set(best.levels) == {SIZE, K}
    assert {cell.seed for cell in results.cells} == {FRESH, FRESH + 1}
    assert [cell.status for cell in results.cells] == ["finished"] * 4
    assert StudyResults.read(results.directory) == results
    again = tune(str(file), discover(), where)
    assert [cell.reused for cell in again.cells] == [True] * 4
    assert again.search == search


def test_a_search_goes_on_where_it_was(file: Path, tmp_path: Path) -> None:
    where = ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    file.write_text(SEARCH.replace("confirm: {top: 1, seeds: 2}", "confirm: {top: 1, seeds: 1}"))
    two = tune(str(file), discover(), where, trials=2)
    three = tune(str(file), discover(), where, trials=3)
    assert two.search is not None
    assert three.search is not None
    done = [trial for trial in three.search.trials if trial.state == "complete"]
    assert len(done) == 3
    assert three.search.trials[: len(two.search.trials)] == two.search.trials


def test_a_trial_that_lags_is_pruned_and_keeps_its_seeds_from_running(file: Path, tmp_path: Path) -> None:
    """A default that stands, and a learning rate with which nothing is learnt."""
    file.write_text(
        SEARCH.replace(
            f"search: {{{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}}}",
            "search: {generator.optimizer.lr: {low: 1e-6, high: 1e-2, log: true}}",
        )
        .replace("sampler: tpe", "")
        .replace("trials: 3", "trials: 12\nsampler: random")
        .replace("pruner: none", "pruner: median")
    )
    results = tune(str(file), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert results.search is not None
    states = {trial.state for trial in results.search.trials}
    pruned = [trial for trial in results.search.trials if trial.state == "pruned"]
    assert states <= {"complete", "pruned"}
    for trial in pruned:
        assert trial.value is None
        assert len(trial.seeds) < 2
        assert trial.intermediate


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_nothing_is_tried_twice_and_all_is_tried_before_the_search_ends(
    sampler: str, file: Path, tmp_path: Path
) -> None:
    file.write_text(SEARCH.replace("trials: 3", f"trials: 50\nsampler: {sampler}"))
    results = tune(str(file), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert results.search is not None
    params = [(trial.params[SIZE], trial.params[K]) for trial in results.search.trials]
    assert sorted(params) == [(16, 1), (16, 2), (24, 1), (24, 2), (40, 1), (40, 2)]
    assert sum(trial.state == "complete" for trial in results.search.trials) == 3


def test_the_default_stands_first_even_where_the_range_leaves_it_out(file: Path, tmp_path: Path) -> None:
    file.write_text(SEARCH.replace("[16, 24, 40]", "[18, 20]").replace("trials: 3", "trials: 2"))
    results = tune(str(file), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert results.search is not None
    first, *others = results.search.trials
    assert first.params == {SIZE: 16, K: 2}
    assert {trial.params[SIZE] for trial in others} <= {18, 20}
    assert sum(trial.state == "complete" for trial in others) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            f"search: {{{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}}}",
            "search: {}",
            "search: empty; give at least one",
        ),
        (K, "critics.ptach.sampler.k", "the recipe has no such path; at 'ptach': did you mean 'patch'?"),
        ("[16, 24, 40]", "often", "got 'often', expected auto, a list of choices, or {low: 8"),
        ("[16, 24, 40]", "{low: 16, high: 8}", "low 16.0 is above high 8.0"),
        ("[16, 24, 40]", "{low: few, high: 8}", "low: got 'few', expected float"),
        (SIZE, "generator.optimizer.lr", None),
        ("lines", "linse", "'linse': no such metric; did you mean 'lines'?"),
        ("recipe: small", "recipe: smal", "smal: no such recipe"),
        ("trials: 3", "trials: 0", "trials: got 0, expected"),
        ("trials: 3", "trails: 3", "trails: unknown; did you mean 'trials'?"),
        ("train.steps: 4", "train.stepz: 4", "train.stepz: no recipe has this path"),
        ("pruner: none", "sampler: cma", "cma searches over numbers, not over choices"),
    ],
)
def test_a_search_that_makes_no_sense(file: Path, tmp_path: Path, old: str, new: str, says: str | None) -> None:
    file.write_text(SEARCH.replace(old, new))
    if says is None:  # choices for a path that no plugin describes are as good as any
        assert plan_of(file, SEARCH.replace(old, new)).space[new].choices == (16, 24, 40)
        return
    with pytest.raises(ToonlabError) as caught:
        tune(str(file), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert says in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_metric_that_the_data_cannot_give(file: Path, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("photos", "cartoons"):
        (tmp_path / name).mkdir()
        for number in range(8):
            Image.new("RGB", (48, 48), (9 * number, 40, 90)).save(tmp_path / name / f"{number}.png")
    data = f"{{use: folder, photos: {tmp_path / 'photos'}, cartoons: {tmp_path / 'cartoons'}}}"
    file.write_text(SEARCH.replace("set: {", f"set: {{data: {data}, "))
    with pytest.raises(ToonlabError, match=r"objective\.metric: metric 'lines' is left out: it needs the truth's"):
        tune(str(file), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))


def test_the_trials_of_a_search_that_is_running_are_left_alone(file: Path, tmp_path: Path) -> None:
    where = ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    directory = tmp_path / "runs" / "search"
    directory.mkdir(parents=True)
    plan = plan_of(file, SEARCH)
    with OptunaStudy(f"sqlite:///{directory / 'optuna.db'}", f"search-{plan.digest[:8]}") as study:
        study.ask(plan.distributions)
        with FileLock(directory / ".driver.lock"), pytest.raises(BusyError, match="another process runs this study"):
            tune(str(file), discover(), where)
        assert [trial.state for trial in study.trials()] == [TrialState.RUNNING]


class Stopping(Display):
    """Stops the program when so many runs of the search have begun, in this life of it or before."""

    def __init__(self, study: Path, begun: int) -> None:
        self.study, self.begun = study, begun

    def draw(self, progress: StudyProgress) -> None:
        if len([*self.study.glob("*-s0-*")]) >= self.begun:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_search_over_two_recipes_that_is_stopped_tries_nothing_twice(several: Path, tmp_path: Path) -> None:
    text = several.read_text().replace("{trials: 2}", "{steps: 3}")  # of 2 steps each
    several.write_text(text.replace("seeds: 2", "seeds: 1"))
    where = ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    for begun in (2, 3):
        with pytest.raises(Interrupted):
            tune(str(several), discover(), where, display=Stopping(tmp_path / "runs" / "several", begun))
    results = tune(str(several), discover(), where)
    assert [found.recipe for found in results.searches] == ["small", "other"]
    for found in results.searches:
        assert [trial.default for trial in found.trials] == [
            True,
            False,
        ]  # numbers between are of proposals tried before
        assert [trial.state for trial in found.trials] == ["complete", "complete"]
        assert found.trials[0].params != found.trials[1].params
        assert len(found.expected) == 2
    assert len([*(tmp_path / "runs" / "several").glob("*-s0-*")]) == 4
    assert {variant.recipe for variant in results.variants} == {"small", "other"}
    assert all(cell.status == "finished" for cell in results.cells)
    assert StudyResults.read(results.directory) == results
    again = tune(str(several), discover(), where)
    assert all(cell.reused for cell in again.cells)
    assert again.searches == results.searches


def test_the_finals_go_on_until_nothing_is_undecided(tmp_path: Path) -> None:
    """By runs that have ended: tuned canny beats its default at the first look, and classic differs."""
    (tmp_path / "same.yaml").write_text("data: {use: toonworld, size: 32, scenes: 8}\nevaluate.samples: 8\n")
    file = tmp_path / "several.yaml"
    file.write_text(
        "recipes: [canny, classic]\nat: same.yaml\nset: {observers: null}\n"
        "search: {canny: {generator.network.low: [50, 500]}, classic: {generator.network.smoothing: [2.5]}}\n"
        "objective: {metric: psnr, direction: maximize}\nsampler: grid\npruner: none\nseeds_per_trial: 1\n"
        "budget: {trials: 2}\nconfirm: {seeds: 1}\n"
    )
    where = ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    catalogue = discover()
    found = tune(str(file), catalogue, where).searches
    search, path = read_search(str(file))
    finals = finals_of(search, plans_of(search, path, catalogue, {}), found, 24)
    default, tuned, classic = dict.fromkeys(spec.variant.label for spec in finals.specs)
    for cell in cells_of(finals.specs, catalogue):
        label, seed = cell.spec.variant.label, cell.spec.recipe.train.seed
        value = {default: 1.5, tuned: 1.7, classic: 1.7 + 0.2 * (-1) ** seed}[label] + seed / 1e4
        scores = {"scores": {"psnr": [value] * 8}, "photo_scores": {"psnr": [0.1] * 8}}
        outcome = Outcome("finished", 0, 1.0, metrics={"psnr": value}, photo={"psnr": 0.1}, split="test", **scores)
        (tmp_path / "runs" / "several" / cell.run).mkdir(exist_ok=True)
        (tmp_path / "runs" / "several" / cell.run / "outcome.json").write_text(json.dumps(outcome.to_json()))
    results = tune(str(file), catalogue, where, until_decided=True)
    assert results.max_seeds == 24
    assert {label: (one.word, one.look) for label, one in results.verdicts.items()} == {
        default: ("worse", 9),
        classic: ("undecided", 24),
    }
    counts = {variant.label: len(results.of(variant.label)) for variant in results.variants}
    assert counts == {default: 9, tuned: 24, classic: 24}


def test_a_search_for_a_front_confirms_its_points(file: Path, tmp_path: Path) -> None:
    """Weights of the content's loss, by one metric that the photo wins and one that it loses."""
    text = SEARCH.replace(
        f"{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}", "generator.losses.content.weight: [1.5, 9]"
    )
    text = text.replace("objective: {metric: lines, direction: maximize}", "objectives: [lines, psnr]")
    file.write_text(text.replace("seeds_per_trial: 2", "seeds_per_trial: 1").replace("top: 1, seeds: 2", "seeds: 1"))
    where = ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    results = tune(str(file), discover(), where, trials=2)
    found = results.search
    assert found is not None
    assert found.objectives == {"lines": "maximize", "psnr": "maximize"}
    assert [list(trial.values) for trial in found.trials] == [["lines", "psnr"]] * 2
    assert [trial.values["lines"] for trial in found.trials] == [trial.value for trial in found.trials]
    default, other = (list(trial.values.values()) for trial in found.trials)
    surpassed = {0: all(a <= b for a, b in zip(default, other, strict=True)),
                 1: all(b <= a for a, b in zip(default, other, strict=True))}  # fmt: skip
    assert {*found.front} == {number for number, worse in surpassed.items() if not worse}
    assert (results.metrics, results.guards, results.baseline) == (["lines", "psnr"], ["psnr"], "small")
    assert set(found.finals.values()) == {*found.front} - {0}
    assert {variant.label for variant in results.variants} == {"small", *found.finals}
    assert tune(str(file), discover(), where, trials=2).search == found


def test_wilcoxon_prunes_by_scenes_after_a_seed(file: Path, tmp_path: Path) -> None:
    text = SEARCH.replace(f"{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}", "generator.optimizer.lr: [1e-9, 1e-8]")
    text = (
        text.replace("pruner: none", "pruner: wilcoxon")
        .replace("lines", "psnr")
        .replace("top: 1, seeds: 2", "seeds: 1")
    )
    file.write_text(text.replace("train.steps: 4,", "train.steps: 30, data.evaluation_scenes: 8, evaluate.samples: 8,"))
    results = tune(str(file), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert results.search is not None
    default, *others = results.search.trials
    assert (default.state, list(default.seeds)) == ("complete", ["0", "1"])
    assert default.intermediate == {"1000": default.seeds["0"]}
    for trial in others:  # a generator that learns nothing
        assert (trial.state, trial.reason, list(trial.seeds)) == ("pruned", "pruned between seeds", ["0"])
