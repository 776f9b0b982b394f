"""`toonlab new`: what it writes works at once, in an environment of its own, and what can't be written is told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from toonlab import ToonlabError, discover
from toonlab.cli.app import app
from toonlab.cli.listing import STARTERS
from toonlab.scaffold import KINDS, create

CATALOGUE = discover()
FIVE = ["sampler", "generator", "generator-loss", "dataset", "metric"]
SHORT = ["train.steps=2", "train.size=32", "train.batch=2", "critics.patch.sampler.patch_size=16", "data.size=32"]
OF_TOONWORLD = ["data.scenes=8", "data.evaluation_scenes=2"]


@pytest.fixture(scope="module")
def made(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin of every kind, `my-sampler` and so on, written and installed in a fresh environment."""
    folder = tmp_path_factory.mktemp("made")
    for kind in KINDS:
        if kind in FIVE:
            run(fresh, "-m", "toonlab", "new", kind, f"my-{kind}", cwd=folder)
        else:
            create(kind, f"my-{kind}", folder / f"my-{kind}", CATALOGUE).write()
    pip = [sys.executable, "-m", "pip", "--python", fresh, "install", "--quiet", "--no-deps", "--no-index"]
    editable = [word for kind in KINDS for word in ("--editable", f"./my-{kind}")]
    run(*pip, "--no-build-isolation", *editable, cwd=folder)
    return folder


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tested(made: Path, fresh: Path) -> str:
    """What pytest says, a line for each test, of the five together: one start instead of five."""
    return run(fresh, "-m", "pytest", "-rA", *(f"my-{kind}" for kind in FIVE), cwd=made)


@pytest.mark.parametrize("kind", FIVE)
def test_a_new_plugin_passes_its_tests_unedited(kind: str, tested: str) -> None:
    file = f"test_my_{kind.replace('-', '_')}.py"
    outcomes = re.findall(rf"^([A-Z]+) \S*/{file}::", tested, re.MULTILINE)
    assert len(outcomes) > 5
    assert set(outcomes) == {"PASSED"}


def test_a_plugin_that_is_not_installed_is_told_by_its_tests(fresh: Path, tmp_path: Path) -> None:
    create("sampler", "elsewhere", tmp_path / "elsewhere", CATALOGUE).write()
    command = [str(fresh), "-m", "pytest", "elsewhere", "-k", "installed"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "recipes can't find it yet: pip install -e this folder" in done.stdout


def test_every_experiment_can_be_run_as_it_is(made: Path, fresh: Path) -> None:
    program = """
import sys
from toonlab import discover
from toonlab.studies.plan.experiment import plan_cells, read_experiment
catalogue = discover()
assert not catalogue.failures, catalogue.failures
for path in sys.argv[1:]:
    experiment, file = read_experiment(path)
    print(file.parent.name, *dict.fromkeys(cell.variant.recipe for cell in plan_cells(experiment, file, {}, catalogue)))
"""
    told = run(fresh, "-c", program, *(f"my-{kind}/experiment.yaml" for kind in KINDS), cwd=made)
    planned = {line.split()[0]: line.split()[1:] for line in told.splitlines()}
    assert set(planned) == {f"my-{kind}" for kind in KINDS}
    assert all("ctss" in recipes for recipes in planned.values())
    assert planned["my-sampler"] == ["ctss", "ctss_random", "my_sampler"]


def test_new_plugins_are_compared_with_ctss(made: Path, fresh: Path) -> None:
    """Two of them, in one process: a sampler, which is in a recipe, and a data set, which all recipes are given."""
    program = """
import sys
from toonlab.cli.app import app
small, of_toonworld = (words.split() for words in sys.argv[1:])
for kind, further in (("dataset", []), ("sampler", of_toonworld)):
    app(["compare", f"my-{kind}/experiment.yaml", "--seeds", "1", *small, *further], standalone_mode=False)
"""
    told = run(fresh, "-c", program, " ".join(SHORT), " ".join(OF_TOONWORLD), cwd=made)
    assert told.count("report: ") == 2
    assert (made / "runs" / "my-dataset" / "report.html").is_file()
    assert (made / "runs" / "my-sampler" / "report.html").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_files_carry_the_name_and_nothing_of_the_example(kind: str, tmp_path: Path) -> None:
    project = create(kind, "loud-patches", tmp_path / "here", CATALOGUE)
    assert sorted(project.write()) == sorted((tmp_path / "here").iterdir())
    text = "\n".join(path.read_text() for path in (tmp_path / "here").iterdir())
    assert "example" not in text.lower()
    assert "{" not in (tmp_path / "here" / "README.md").read_text()
    assert re.search(r"\"toonlab>=[\d.]+,<1\"", text)
    assert (tmp_path / "here" / "toonlab_loud_patches.py").is_file()
    assert (tmp_path / "here" / "loud_patches.yaml").is_file()


def test_a_name_that_says_its_kind_does_not_say_it_twice(tmp_path: Path) -> None:
    assert "class InkSampler:" in create("sampler", "ink", tmp_path, CATALOGUE).files["toonlab_ink.py"]
    files = create("sampler", "ink-sampler", tmp_path, CATALOGUE).files
    assert "class InkSampler:" in files["toonlab_ink_sampler.py"]
    assert "class TestInkSampler(" in files["test_ink_sampler.py"]


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("samplr", "ink", "KIND: got 'samplr'; did you mean 'sampler'?"),
        ("sampler", "Ink", "NAME: got 'Ink'; expected a lower-case letter"),
        ("sampler", "../ink", "NAME: got '../ink'; expected a lower-case letter"),
        ("sampler", "ctss", "NAME: got 'ctss'; a sampler called 'ctss' is there already, by toonlab"),
        ("metric", "ctss", "NAME: got 'ctss'; a package called toonlab_ctss is installed already"),
    ],
)
def test_what_can_not_be_written(kind: str, name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ToonlabError) as caught:
        create(kind, name, tmp_path / "here", CATALOGUE)
    assert says in str(caught.value)
    assert not (tmp_path / "here").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    result = CliRunner().invoke(app, ["new", "sampler", "ink", "--out", str(tmp_path)])
    assert isinstance(result.exception, ToonlabError | SystemExit)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_the_command_names_every_kind() -> None:
    assert all(kind in STARTERS for kind in KINDS)
