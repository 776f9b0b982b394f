"""Comparisons: which cells run, which do not run again, and what the table says."""

import json
from pathlib import Path

import pytest
import yaml
from PIL import Image

from toonlab import discover
from toonlab.errors import RecipeError, ToonlabError
from toonlab.studies.compare import compare, explain, write_photos
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.results.results import StudyResults
from toonlab.studies.results.tables import PHOTO


@pytest.fixture
def experiment(small: Path) -> Path:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    file = small.parent / "study.yaml"
    file.write_text(
        "about: two recipes\nrecipes: [small, lone]\nseeds: 2\nset: {train.steps: 2, critics.patch.sampler.k: 1}\n"
        "metrics: {primary: outline_f1, also: [psnr]}\n"
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
    assert list(results.rows[1].values) == ["outline_f1", "psnr", "seconds"]
    assert results.rows[1].seeds == 2
    trained = yaml.safe_load((results.directory / results.cells[0].run / "recipe.yaml").read_text())
    assert trained["critics"]["patch"]["sampler"]["k"] == 1
    table = (tmp_path / "runs" / "study" / "results.md").read_text()
    assert sum(line.startswith("|") for line in table.splitlines()) == 5
    assert "outline_f1, psnr: n 3, size 32x32, resizer none" in table
    assert "| psnr\\* |" in table
    assert "\n\\* psnr: closeness" in table
    with Image.open(tmp_path / "runs" / "study" / "samples.png") as sheet:
        assert sheet.height > 4 * 190  # photo, two recipes, truth
    assert StudyResults.read(results.directory) == results
    assert [cell.status for cell in results.cells] == ["finished"] * 4
    assert (results.baseline, results.higher["outline_f1"], results.higher["seconds"]) == ("small", True, False)


def test_finished_cells_are_not_run_again(experiment: Path, tmp_path: Path) -> None:
    def states() -> list[str]:
        return [line.partition(": ")[2].partition(" (")[0] for line in explain(str(experiment), catalogue, options)]

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
        "recipes: [small, sick, lone]\nat: k.yaml\nseeds: 1\nset: {train.steps: 4}\nmetrics: {primary: outline_f1}\n"
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
    text = "recipes: [small]\nseeds: 1\nset: {train.steps: 100000}\nmetrics: {primary: outline_f1}\n"
    experiment.write_text(f"{text}time_limit: 1.5\n")
    results = compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    (cell,) = results.cells
    assert (cell.status, cell.reason) == ("failed", "out of time: it took longer than the time_limit of 1.5 s")
    assert list((results.directory / cell.run / "checkpoints").glob("step-*"))  # saved
    (state,) = explain(str(experiment), discover(), ExecutionOptions(tmp_path / "runs"))
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
        "recipes: [small, lone]\nset: {train.stepz: 3, critics.patch.sampler.k: 0}\nmetrics: {primary: outline_f2}\n"
    )
    with pytest.raises(RecipeError) as caught:
        compare(str(experiment), discover(), ExecutionOptions(tmp_path / "runs", parameters={"device": "cpu"}))
    text = str(caught.value)
    assert "train.stepz: no recipe has this path" in text
    assert "small: critics.patch.sampler.k: got 0, expected int, > 0" in text
    assert text.count("'outline_f2': no such metric; did you mean 'outline_f1'?") == 1
    assert "metrics.primary: 'outline_f2'" in text
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("recipe: [small]\n", "recipe: unknown; did you mean 'recipes'?"),
        ("recipes: []\n", "recipes: got [], expected"),
        ("recipes: [small]\nseeds: 0\n", "seeds: got 0, expected"),
        ("recipes: [small]\nmetrics: {primry: x}\n", "metrics: got"),
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
        "evaluate.metrics: [outline_f1, psnr]\ntrain.steps: 2\nobservers: null\n"
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
