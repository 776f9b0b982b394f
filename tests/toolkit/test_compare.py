"""Comparisons: which cells run, which do not run again, and what the table says."""

import json
from pathlib import Path

import pytest
from PIL import Image

from toonlab import discover
from toonlab.compare import compare, write_photos
from toonlab.errors import RecipeError, ToonlabError
from toonlab.tables import PHOTO, Row, as_markdown, for_terminal, with_photo


@pytest.fixture
def experiment(small: Path) -> Path:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    file = small.parent / "study.yaml"
    file.write_text(
        "about: two recipes\nrecipes: [small, lone]\nseeds: 2\nset: {train.steps: 2, critics.patch.sampler.k: 1}\n"
        "metrics: {primary: outline_f1, also: [psnr]}\n"
    )
    return file


def test_every_cell_once_and_the_untouched_photo_in_the_table(experiment: Path, tmp_path: Path) -> None:
    results = compare(str(experiment), discover(), tmp_path / "runs", "cpu")
    assert [(c.recipe.name, c.recipe.train.seed) for c in results.cells] == [
        ("small", 0),
        ("lone", 0),
        ("small", 1),
        ("lone", 1),
    ]
    assert [row.name for row in results.rows] == [PHOTO, "small", "lone"]
    assert list(results.rows[1].values) == ["outline_f1", "psnr", "seconds"]
    assert results.rows[1].seeds == 2
    assert results.cells[0].recipe.critics["patch"].sampler.parameters["k"] == 1
    table = (tmp_path / "runs" / "study" / "results.md").read_text()
    assert sum(line.startswith("|") for line in table.splitlines()) == 5
    assert "outline_f1, psnr: n 3, size 32x32, resizer none" in table
    assert "| psnr\\* |" in table
    assert "\n\\* psnr: closeness" in table
    with Image.open(tmp_path / "runs" / "study" / "samples.png") as sheet:
        assert sheet.height > 4 * 190  # photo, two recipes, truth
    stored = json.loads((tmp_path / "runs" / "study" / "results.json").read_text())
    assert [cell["outcome"]["status"] for cell in stored["cells"]] == ["finished"] * 4


def test_finished_cells_are_not_run_again(experiment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(str(experiment), discover(), tmp_path / "runs", "cpu", seeds=1)
    outcomes = {p: p.stat().st_mtime_ns for p in tmp_path.glob("runs/study/*/outcome.json")}
    assert len(outcomes) == 2
    capsys.readouterr()
    results = compare(str(experiment), discover(), tmp_path / "runs", "cpu")
    assert [cell.trained.again for cell in results.cells if cell.trained] == [True, True, False, False]
    assert capsys.readouterr().err.count("finished before, not run again") == 2
    assert all(p.stat().st_mtime_ns == time for p, time in outcomes.items())


def test_a_cell_that_fails_costs_that_cell_alone(experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(experiment.read_text().replace("critics.patch.sampler.k: 1", "critics.patch.sampler.k: 99"))
    with pytest.warns(RuntimeWarning, match=r"\[[13]/4\] small, seed [01]: .*k=99") as caught:
        results = compare(str(experiment), discover(), tmp_path / "runs", "cpu")
    assert len(caught) == 2
    assert [cell.error is not None for cell in results.cells] == [True, False, True, False]
    assert results.rows[1].note == "2 failed"


def test_everything_wrong_with_an_experiment_is_told_before_anything_runs(experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(
        "recipes: [small, lone]\nset: {train.stepz: 3, critics.patch.sampler.k: 0}\nmetrics: {primary: outline_f2}\n"
    )
    with pytest.raises(RecipeError) as caught:
        compare(str(experiment), discover(), tmp_path / "runs", "cpu")
    text = str(caught.value)
    assert "train.stepz: no recipe has this path" in text
    assert "small: critics.patch.sampler.k: got 0, expected int, > 0" in text
    assert "lone: evaluate.metrics.0.use: 'outline_f2': no such metric; did you mean 'outline_f1'?" in text
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
        compare(str(experiment), discover(), tmp_path / "runs", "cpu")
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
        compare(str(file), catalogue, runs, "cpu")
    assert not runs.exists()
    for path in write_photos(str(file), catalogue, tmp_path / "made"):
        Image.open(path).convert("L").save(path)
    first = compare(str(file), catalogue, runs, "cpu")
    assert [row.name for row in first.rows] == ["small", "identity", "theirs"]  # identity is the untouched photo
    assert [row.seeds for row in first.rows] == [2, 2, 2]
    assert first.rows[1].values["psnr"][0] == first.cells[0].trained.outcome.photo["psnr"]
    assert len(set(first.rows[2].values["psnr"])) == 1  # the same for every seed, and not the photo's
    assert first.rows[2].values["psnr"] != first.rows[1].values["psnr"]
    with Image.open(runs / "floor" / "samples.png") as sheet:
        assert sheet.height > 5 * 190  # photo, three recipes, truth
    Image.new("RGB", (32, 32)).save(tmp_path / "made" / "toonworld-0001.png")
    again = compare(str(file), catalogue, runs, "cpu")
    assert [cell.trained.again for cell in again.cells] == [True, True, False] * 2
    assert again.rows[2].values["psnr"] != first.rows[2].values["psnr"]


def test_the_photo_stands_above_unless_a_row_says_the_same() -> None:
    photo, row = {"f1": 0.5, "psnr": 17.0}, Row("a", {"f1": [0.5, 0.5], "psnr": [17.0, 17.0], "seconds": [1, 2]})
    assert [r.name for r in with_photo(photo, [row])] == ["a"]
    assert [r.name for r in with_photo({**photo, "f1": 0.4}, [row])] == [PHOTO, "a"]


def test_a_row_shows_mean_and_spread() -> None:
    rows = [Row("a", {"f1": [0.5, 0.7], "psnr": [17.0, 18.0]}), Row("b", {"f1": [0.25]}, "1 failed")]
    assert as_markdown(rows).splitlines()[2:] == [
        "| a | 2 | 0.600 ± 0.141 | 17.50 ± 0.707 |",
        "| b (1 failed) | 1 | 0.250 | – |",
    ]
    assert for_terminal("t", rows).row_count == 2
