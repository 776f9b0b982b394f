"""Comparisons: which cells run, which do not run again, and what the table says."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image

from toonlab import discover
from toonlab.errors import RecipeError, ToonlabError
from toonlab.studies.compare import compare, explain, plan_seeds, write_photos
from toonlab.studies.executors.cell import Cell, cells_of
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.plan.experiment import plan_cells, read_experiment
from toonlab.studies.results.registration import read
from toonlab.studies.results.results import CellResult, StudyResults
from toonlab.studies.results.tables import PHOTO
from toonlab.types import Outcome


@pytest.fixture
def experiment(small: Path) -> Path:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    file = small.parent / "study.yaml"
    file.write_text(
        "about: two recipes\nrecipes: [small, lone]\nseeds: 2\nset: {train.steps: 2, critics.patch.sampler.k: 1}\n"
        "metrics: {primary: lines, also: [psnr]}\n"
    )
    return file


def test_every_cell_once_and_the_unmodified_photo_in_the_table(experiment: Path, tmp_path: Path) -> None:
    results = compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert [(cell.variant.label, cell.seed) for cell in results.cells] == [
        ("small", 0),
        ("lone", 0),
        ("small", 1),
        ("lone", 1),
    ]
    assert [row.name for row in results.rows] == [PHOTO, "small", "lone"]
    assert list(results.rows[1].values) == ["lines", "psnr", "seconds"]
    assert results.rows[1].seeds == 2
    trained = yaml.safe_load((results.directory / results.cells[0].run / "recipe.yaml").read_text())
    assert trained["critics"]["patch"]["sampler"]["k"] == 1
    table = (tmp_path / "runs" / "study" / "results.md").read_text()
    assert sum(line.startswith("|") for line in table.splitlines()) == 5
    assert "lines, psnr: n 3, size 32x32, resizer none" in table
    assert "| psnr\\* |" in table
    assert "\n\\* psnr: closeness" in table
    with Image.open(tmp_path / "runs" / "study" / "samples.png") as sheet:
        assert sheet.height > 4 * 190  # photo, two recipes, truth
    assert StudyResults.read(results.directory) == results
    assert [cell.status for cell in results.cells] == ["finished"] * 4
    assert (results.baseline, results.higher["lines"], results.higher["seconds"]) == ("small", True, False)


def test_finished_cells_are_not_run_again(experiment: Path, tmp_path: Path) -> None:
    def states() -> list[str]:
        *lines, time = explain(str(experiment), catalogue, options)
        assert time.startswith("to train: ")
        return [line.partition(": ")[2].partition(" (")[0] for line in lines]

    catalogue, options = discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    assert states() == ["has not run yet"] * 4
    compare(str(experiment), catalogue, options, seeds=1)
    outcomes = {p: p.stat().st_mtime_ns for p in tmp_path.glob("runs/study/*/outcome.json")}
    assert len(outcomes) == 2
    assert states() == ["finished", "finished", "has not run yet", "has not run yet"]
    results = compare(str(experiment), catalogue, options)
    assert [cell.reused for cell in results.cells] == [True, True, False, False]
    assert all(p.stat().st_mtime_ns == time for p, time in outcomes.items())


def test_why_a_cell_runs_again_is_explained(experiment: Path, tmp_path: Path) -> None:
    catalogue, options = discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    results = compare(str(experiment), catalogue, options, seeds=1)
    environment = results.directory / results.cells[0].run / "environment.json"
    changed = explain(str(experiment), catalogue, options, seeds=1, overrides={"critics.patch.sampler.k": 2})
    assert next(changed) == f"small, seed 0: has to run: its recipe has changed since {results.cells[0].run}"
    then = json.loads(environment.read_text())
    then["identity"]["code"]["toonlab_ctss"] = "0"
    environment.write_text(json.dumps(then))
    again = explain(str(experiment), catalogue, options, seeds=1, overrides={"critics.patch.sampler.k": 2})
    assert "the code of toonlab_ctss has changed" in next(again)


def test_a_cell_that_fails_costs_that_cell_alone(experiment: Path, tmp_path: Path) -> None:
    """A mistake that the probe finds, a loss that is no number, a process that is killed, too little time."""
    (tmp_path / "sick.yaml").write_text("extends: lone\ngenerator: {optimizer: {use: Adam, lr: 1e30}}\n")
    experiment.write_text(
        "recipes: [small, sick, lone]\nat: k.yaml\nseeds: 1\nset: {train.steps: 4}\nmetrics: {primary: lines}\n"
    )
    (tmp_path / "k.yaml").write_text("critics.patch.sampler.k: 99\n")
    results = compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    small, sick, _ = results.cells
    assert [cell.status for cell in results.cells] == ["failed", "failed", "finished"]
    assert "k=99" in small.reason
    assert sick.reason.startswith("diverged at step")
    assert any("diverged" in line for line in sick.log)
    assert [row.note for row in results.rows[1:]] == ["1 failed", "1 failed", ""]


def test_a_cell_that_takes_too_long_has_failed_and_goes_on_when_it_may(experiment: Path, tmp_path: Path) -> None:
    text = "recipes: [small]\nseeds: 1\nset: {train.steps: 100000}\nmetrics: {primary: lines}\n"
    experiment.write_text(f"{text}time_limit: 1.5\n")
    results = compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    (cell,) = results.cells
    assert (cell.status, cell.reason) == ("failed", "out of time: it took longer than the time_limit of 1.5 s")
    assert list((results.directory / cell.run / "checkpoints").glob("step-*"))  # saved
    state, _ = explain(str(experiment), discover(), ExecutionOptions(tmp_path / "runs"))
    assert "continues from its last checkpoint" in state


def test_several_jobs_find_what_one_finds(experiment: Path, tmp_path: Path) -> None:
    one = compare(
        str(experiment), discover(), ExecutionOptions(tmp_path / "one", parameters={"device": "cpu", "jobs": 1})
    )
    two = compare(
        str(experiment), discover(), ExecutionOptions(tmp_path / "two", parameters={"device": "cpu", "jobs": 2})
    )
    for a, b in zip(one.cells, two.cells, strict=True):
        assert a.outcome["metrics"] == b.outcome["metrics"]
    assert "seconds" not in one.caveats
    assert two.caveats["seconds"].startswith("2 jobs shared a device")
    again = compare(
        str(experiment), discover(), ExecutionOptions(tmp_path / "two", parameters={"device": "cpu", "jobs": 1})
    )
    assert again.caveats["seconds"] == two.caveats["seconds"]  # the same cells, the same times


def test_everything_wrong_with_an_experiment_is_told_before_anything_runs(experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(
        "recipes: [small, lone]\nset: {train.stepz: 3, critics.patch.sampler.k: 0}\nmetrics: {primary: linse}\n"
    )
    with pytest.raises(RecipeError) as caught:
        compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    text = str(caught.value)
    assert "train.stepz: no recipe has this path" in text
    assert "small: critics.patch.sampler.k: got 0, expected int, > 0" in text
    assert text.count("'linse': no such metric; did you mean 'lines'?") == 1
    assert "metrics.primary: 'linse'" in text
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("recipe: [small]\n", "recipe: unknown; did you mean 'recipes'?"),
        ("recipes: []\n", "recipes: got [], expected"),
        ("recipes: [small]\nseeds: 0\n", "seeds: got 0, expected"),
        ("recipes: [small]\nmetrics: {primry: x}\n", "metrics.primry: unknown; did you mean 'primary'?"),
    ],
)
def test_an_experiment_that_makes_no_sense(experiment: Path, tmp_path: Path, text: str, says: str) -> None:
    experiment.write_text(text)
    with pytest.raises(RecipeError) as caught:
        compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    assert says in str(caught.value)


def test_what_learns_nothing_is_a_row_like_any_other(small: Path, tmp_path: Path) -> None:
    """Among them pictures by another program, which are scored anew when they change."""
    file, catalogue, runs = tmp_path / "floor.yaml", discover(), tmp_path / "runs"
    theirs = f"{{use: pictures, path: {tmp_path / 'made'}, name: theirs}}"
    file.write_text(f"recipes: [small, identity, {theirs}]\nat: same.yaml\nseeds: 2\n")
    (tmp_path / "same.yaml").write_text(
        "data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}\nevaluate.samples: 3\n"
        "evaluate.metrics: [lines, psnr]\ntrain.steps: 2\nobservers: null\n"
    )
    with pytest.raises(ToonlabError, match="made: no such folder"):
        compare(str(file), catalogue, ExecutionOptions(runs, parameters={"device": "cpu"}))
    assert not runs.exists()
    for path in write_photos(str(file), catalogue, tmp_path / "made"):
        Image.open(path).convert("L").save(path)
    first = compare(str(file), catalogue, ExecutionOptions(runs, parameters={"device": "cpu"}))
    assert [row.name for row in first.rows] == ["small", "identity", "theirs"]  # identity is the unmodified photo
    assert [row.seeds for row in first.rows] == [2, 2, 2]
    assert first.rows[1].values["psnr"][0] == first.photo["psnr"]
    assert len(set(first.rows[2].values["psnr"])) == 1  # the same for every seed, and not the photo's
    assert first.rows[2].values["psnr"] != first.rows[1].values["psnr"]
    with Image.open(runs / "floor" / "samples.png") as sheet:
        assert sheet.height > 5 * 190  # photo, three recipes, truth
    Image.new("RGB", (32, 32)).save(tmp_path / "made" / "toonworld-0001.png")
    again = compare(str(file), catalogue, ExecutionOptions(runs, parameters={"device": "cpu"}))
    assert [cell.reused for cell in again.cells] == [True, True, False] * 2
    assert again.rows[2].values["psnr"] != first.rows[2].values["psnr"]


# -- studies that decide on their seeds


@pytest.fixture
def deciding(small: Path, tmp_path: Path) -> Path:
    """Four rows that train nothing, of which one is the floor."""
    file = tmp_path / "deciding.yaml"
    (tmp_path / "same.yaml").write_text(
        "data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 8}\nevaluate.samples: 8\nobservers: null\n"
    )
    file.write_text(
        "recipes: [canny, {use: canny, name: twin}, {use: canny, low: 60, name: near}, dots]\nat: same.yaml\n"
        "metrics: {primary: lines}\ndecide: {margin: 0.01, max_seeds: 13}\n"
    )
    return file


def planned(file: Path) -> list[Cell]:
    plan, path = read_experiment(str(file))
    return cells_of(plan_cells(plan, path, {}, discover()), discover())


def ended(cell: Cell) -> CellResult:
    """With scores by which `twin` is better, and `near` is undecided at every look."""
    label, seed = cell.spec.variant.label, cell.spec.recipe.train.seed
    value = {"canny": 1.5, "twin": 1.6, "near": 1.5 + 0.1 * (-1) ** seed, "dots": 0.2}[label] + seed / 100
    scores = {"scores": {"lines": [value] * 8}, "photo_scores": {"lines": [0.1] * 8}}
    outcome = Outcome("finished", 0, 1.0, metrics={"lines": value}, photo={"lines": 0.1}, split="test", **scores)
    return replace(cell.waiting, status="finished", outcome=outcome.to_json())


def finish(cells: Iterable[Cell], directory: Path) -> None:
    """The files of runs that have ended so."""
    for cell in cells:
        (directory / cell.run).mkdir(parents=True)
        (directory / cell.run / "outcome.json").write_text(json.dumps(ended(cell).outcome))


def test_seeds_are_added_until_nothing_is_undecided(deciding: Path, tmp_path: Path) -> None:
    """Two of the floor's cells are left to run; all others have finished when the study was stopped."""
    catalogue, options = discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu", "jobs": 2})
    left = [("dots", 8), ("dots", 12)]
    finish(
        [c for c in planned(deciding) if (c.spec.variant.label, c.spec.recipe.train.seed) not in left],
        tmp_path / "runs" / "deciding",
    )
    before = list(explain(str(deciding), catalogue, options))
    assert [line for line in before if ": finished (" not in line] == [
        "dots, seed 8: has not run yet",
        "twin: better, decided at 9 seeds; gets no more",
        "looks at 9, 13 seeds; variants that are undecided go on to the next",
    ]
    results = compare(str(deciding), catalogue, options)
    assert (results.baseline, results.floors, results.max_seeds) == ("canny", ["dots"], 13)
    assert {label: (one.word, one.look) for label, one in results.verdicts.items()} == {
        "twin": ("better", 9),
        "near": ("undecided", 13),
        "dots": ("at the floor", 9),
    }
    counts = {variant.label: len(results.of(variant.label)) for variant in results.variants}
    assert counts == {"canny": 13, "twin": 9, "near": 13, "dots": 13}
    assert [(c.variant.label, c.seed) for c in results.cells if not c.reused] == left
    assert StudyResults.read(results.directory).verdicts == results.verdicts
    assert list(explain(str(deciding), catalogue, options))[-4:] == [
        "twin: better, decided at 9 seeds; gets no more",
        "near: futile: undecided at 13 seeds",
        "dots: at the floor, decided at 9 seeds; gets no more",
        "looks at 9, 13 seeds; variants that are undecided go on to the next",
    ]


def test_the_number_of_seeds_can_not_be_given_to_a_study_that_decides_on_it(deciding: Path, experiment: Path) -> None:
    for file, known in ((deciding, {}), (experiment, {"until_decided": True})):
        with pytest.raises(RecipeError, match="seeds: got 3, but the study itself decides on their number, up to"):
            compare(str(file), discover(), seeds=3, **known)


# -- before it runs


def test_a_study_is_registered_before_it_runs(deciding: Path, tmp_path: Path) -> None:
    catalogue, options = discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"})
    deciding.write_text("recipes: [canny, dots]\nat: same.yaml\nseeds: 1\nmetrics: {primary: lines}\n")
    results = compare(str(deciding), catalogue, options, register=True)
    registered = read(results.directory)
    assert registered is not None
    assert registered.changed(compare(str(deciding), catalogue, options, register=True)) == []  # it goes on
    (results.directory / "registration.json").unlink()
    with pytest.raises(
        ToonlabError, match="2 runs of this study finished before; a study is registered before it runs"
    ):
        compare(str(deciding), catalogue, options, register=True)


def test_seeds_are_planned_by_what_has_finished(deciding: Path, tmp_path: Path) -> None:
    catalogue, options = discover(), ExecutionOptions(tmp_path / "runs")
    with pytest.raises(ToonlabError, match="no variant has 2 finished seeds in common with canny"):
        plan_seeds(str(deciding), catalogue, 0.05, options)
    assert not (tmp_path / "runs").exists()
    finish([c for c in planned(deciding) if c.spec.recipe.train.seed < 4], tmp_path / "runs" / "deciding")
    lines = list(plan_seeds(str(deciding), catalogue, 0.05, options))
    assert lines[0] == "to find a difference of 0.05 in lines with a chance of 80%, 2 comparisons together at 5 %:"
    assert lines[1].startswith("twin: 9 seeds (it varies by 0 between seeds")
    assert lines[2].startswith("near: more than 13 seeds (it varies by 0.115 between seeds")
    assert lines[3] == "in all: 9 seeds, 36 runs, of which 16 have finished; the others take about 0:20, one at a time"
