"""The files of a study, damaged in many ways: results, timings, experiments, searches and databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from damage import Damage, bits, bytes_, nesting, truncation, types_json
from test_damaged_files import RECIPE, answered
from typer.testing import CliRunner

import toonlab
from toonlab.cli.app import app
from toonlab.report import write_report
from toonlab.studies import timing
from toonlab.studies.executors.process import ProcessOptions
from toonlab.studies.optuna_study import OptunaStudy
from toonlab.studies.plan.experiment import plan_cells, read_experiment
from toonlab.studies.plan.search import read_search
from toonlab.studies.plan.search_plan import SearchPlan, pruner, sampler
from toonlab.studies.results import registration
from toonlab.studies.results.results import CellResult, SearchResult, SearchTrial, StudyResults, Variant
from toonlab.studies.trials import ranked
from toonlab.studies.tune import search_result
from toonlab.utils.databases import sqlite_url

K = "critics.patch.sampler.k"
EXPERIMENT = {
    "about": "two of them",
    "recipes": ["./small.yaml", {"use": "identity", "name": "nothing"}],
    "set": {"train.steps": 3},
    "factors": {"train.batch": [2, 3], "resolution": {"32": {"train.size": 32}, "16": {"train.size": 16}}},
    "design": "full",
    "seeds": [0, 1, 2, 3, 4, 5, 6, 7, 8],
    "metrics": {"primary": "lines", "guards": ["ssim"], "margin": 0.1, "also": ["psnr", "seconds_per_step"]},
    "decide": {"margin": 0.03, "max_seeds": 9},
    "budget": "steps",
    "time_limit": 60.5,
    "executor": {"use": "local", "jobs": 1},
}
SEARCH = {
    "recipe": "./small.yaml",
    "search": {"train.batch": {"low": 2, "high": 8, "step": 2}, "train.flip": [True, False]},
    "objective": {"metric": "lines", "direction": "maximize"},
    "sampler": "tpe",
    "pruner": "median",
    "seeds_per_trial": 1,
    "trials": 4,
    "confirm": {"top": 1, "seeds": 2},
    "also": ["psnr"],
}


def results(directory: Path) -> StudyResults:
    measured = {"f1": {"images": 3, "size": [32, 32]}}
    cells = [
        CellResult(
            Variant("ctss", levels),
            seed,
            f"ctss-s{seed}-0000000{place}",
            "finished",
            outcome={
                **{"status": "finished", "step": 4, "seconds": 2.0, "reason": None, "measured": measured},
                **{"metrics": {"f1": 0.5 + place / 10}, "photo": {"f1": 0.1}, "costs": {"images_per_second": 9.0}},
                **{"scores": {"f1": [0.5 + place / 10, None]}, "photo_scores": {"f1": [0.1, 0.1]}},
            },
        )
        for seed in (0, 1)
        for place, levels in enumerate(({K: 1}, {K: 2}))
    ]
    trials = [SearchTrial(n, {K: n}, n == 0, "complete", n / 9, {"0": n / 9}, {"900": 0.1}, 2.0) for n in range(4)]
    space = {K: {"choices": None, "low": 0, "high": 9, "step": None, "log": False, "integer": True}}
    found = SearchResult("ctss", {"metric": "f1", "direction": "maximize"}, space, trials=trials, importances={K: 1.0})
    return StudyResults(
        directory.name,
        directory,
        cells,
        metrics=["f1", "images_per_second"],
        higher={"f1": True, "images_per_second": True},
        baseline="ctss (k 1)",
        factors={K: [1, 2]},
        steps={"ctss (k 1)": 4},
        caveats={"f1": "too few"},
        search=found,
    )


def reported(path: Path, _: toonlab.Catalogue) -> object:
    return write_report(StudyResults.read(path.parent))


def compared(path: Path, catalogue: toonlab.Catalogue) -> object:
    return plan_cells(*read_experiment(str(path)), {}, catalogue)


def searched(path: Path, catalogue: toonlab.Catalogue) -> object:
    plan = SearchPlan(*read_search(str(path)), catalogue, {})
    return plan.digest, plan.count, sampler(plan.search), pruner(plan.search), next(plan.draws(0), None)


def asked(path: Path, catalogue: toonlab.Catalogue) -> object:
    plan = SearchPlan(*read_search(str(path.parent / "search.yaml")), catalogue, {})
    with OptunaStudy(sqlite_url(path), "study") as study:
        study.stopping = lambda: "now"
        study.requeue_interrupted()
        ranked(study.trials(), maximize=True)
        return search_result(plan, study)


class Kind(NamedTuple):
    name: str
    read: Callable[[Path, toonlab.Catalogue], object]
    types: Damage | None
    cases: int


KINDS = [
    Kind("results.json", reported, types_json, 6),
    Kind("results.json", lambda path, _: StudyResults.read(path.parent), types_json, 60),
    Kind("registration.json", lambda path, _: registration.read(path.parent), types_json, 60),
    Kind("budget.json", lambda path, _: timing._read(path.parent), types_json, 60),
    Kind("experiment.yaml", compared, types_json, 40),
    Kind("search.yaml", searched, types_json, 40),
    Kind("optuna.db", asked, None, 8),
]


@pytest.fixture(scope="module")
def catalogue() -> toonlab.Catalogue:
    return toonlab.discover()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, catalogue: toonlab.Catalogue) -> Path:
    directory = tmp_path_factory.mktemp("runs") / "study"
    registration.register(results(directory))
    results(directory).write()
    (directory / "budget.json").write_text(json.dumps({"0a": {"variant": "ctss", "seconds_per_step": 0.5}}))
    for name, data in (("small", RECIPE), ("experiment", EXPERIMENT), ("search", SEARCH)):
        (directory / f"{name}.yaml").write_text(json.dumps(data))
    plan = SearchPlan(*read_search(str(directory / "search.yaml")), catalogue, {})
    with OptunaStudy(sqlite_url(directory / "optuna.db"), "study") as made:
        for _ in range(4):
            made.ask(plan.distributions)
    return directory


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_read_or_refused_in_one_line(
    kind: Kind, study: Path, catalogue: toonlab.Catalogue, tmp_path: Path
) -> None:
    directory = shutil.copytree(study, tmp_path / "study")
    path = directory / kind.name
    content = path.read_bytes()
    assert kind.read(path, catalogue)
    for damage in filter(None, (bits, bytes_, truncation, nesting, kind.types)):
        for seed in range(kind.cases * (4 if damage is kind.types else 1)):
            path.write_bytes(damage(content, Random(f"{kind.name} {damage.__name__} {seed}")))
            with answered(f"{damage.__name__} {seed}"):
                kind.read(path, catalogue)
    path.unlink()
    path.mkdir()
    with answered("a folder") as answers:
        kind.read(path, catalogue)
    assert answers[0], "a folder is taken for a file"


def test_a_damaged_token_is_never_taken_for_the_programs_own(tmp_path: Path) -> None:
    options = ProcessOptions(tmp_path, token="0123456789abcdef")
    for damage in (bits, bytes_, truncation, nesting):
        for seed in range(100):
            options.token_file.write_bytes(damage(options.token.encode(), Random(f"{damage.__name__} {seed}")))
            assert not options.shared


@pytest.mark.parametrize(
    ("name", "command"), [("experiment", ["compare", "--explain"]), ("search", ["tune", "--runs", "small.yaml"])]
)
@pytest.mark.filterwarnings("ignore")
def test_a_command_that_is_given_a_damaged_study_says_a_line_for_each_problem(
    name: str, command: list[str], study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches that are still valid end where their directory would be: below a file."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(study / "small.yaml", tmp_path)
    content = (study / f"{name}.yaml").read_bytes()
    codes = []
    for damage in (bits, bytes_, truncation, nesting, types_json, types_json):
        for seed in range(6):
            damaged = damage(content, Random(f"command {name} {damage.__name__} {len(codes)}"))
            (tmp_path / f"{name}.yaml").write_bytes(damaged)
            with answered(f"{damage.__name__} {seed}"):
                result = CliRunner().invoke(app, [command[0], f"{name}.yaml", *command[1:]])
                assert result.exception is None or isinstance(result.exception, SystemExit), damaged
            errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
            assert (result.exit_code, bool(errors)) in ((0, False), (2, True)), result.stderr
            codes.append(result.exit_code)
    assert codes.count(2) > 18
