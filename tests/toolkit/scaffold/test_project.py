"""The files of a new plugin: names, texts, and what is refused before anything is written."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from toonlab import ToonlabError, discover
from toonlab.registry import metadata
from toonlab.registry.protocols import KINDS as PART_KINDS
from toonlab.scaffold.project import KINDS, Project, create
from toonlab.utils import yaml

CATALOGUE = discover()


def test_every_kind_of_part_of_a_recipe_has_a_starter() -> None:
    assert set(KINDS.values()) == set(PART_KINDS) - {"postprocessors", "executors"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_of_toonlab_shows_what_it_does(kind: str) -> None:
    lines = Project(kind, "loud", Path("x")).files["README.md"].splitlines()
    (number,) = (number for number, line in enumerate(lines) if line.startswith("shows "))
    command, shows = lines[number - 3], lines[number].removeprefix("shows ")
    assert command.startswith("toonlab ")
    assert "loud" in command
    assert shows


@pytest.mark.parametrize(
    ("kind", "label"),
    [("sampler", "sampler"), ("features", "features"), ("discriminator-loss", "discriminator loss")],
)
def test_a_kind_has_its_words(kind: str, label: str) -> None:
    project = Project(kind, "loud", Path("x"))
    assert project.label == label
    assert (project.module, project.distribution) == ("toonlab_loud", "toonlab-loud")


@pytest.mark.parametrize("kind", KINDS)
def test_python_files_parse_and_classes_carry_the_name(kind: str, tmp_path: Path) -> None:
    files = create(kind, "loud", tmp_path / "x", CATALOGUE).files
    names = [node.name for node in ast.parse(files["toonlab_loud.py"]).body if isinstance(node, ast.ClassDef)]
    assert any(name.startswith("Loud") for name in names) or kind.endswith("loss")
    assert "from toonlab_loud import" in files["test_loud.py"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_distribution_registers_its_module_and_fits_this_toonlab(kind: str, tmp_path: Path) -> None:
    text = create(kind, "loud", tmp_path / "x", CATALOGUE).files["pyproject.toml"]
    project = tomllib.loads(text)["project"]
    assert project["entry-points"]["toonlab"] == {"loud": "toonlab_loud"}
    needs = Requirement(project["dependencies"][0])
    assert needs.name == "toonlab"
    assert needs.specifier.contains(metadata.own().version)
    assert not needs.specifier.contains("9999")


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("samplr", "loud", "did you mean 'sampler'"),
        ("sampler", "Loud", "expected a lower-case letter"),
        ("sampler", "1st", "expected a lower-case letter"),
        ("sampler", "ctss", "is there already"),
        ("sampler", "null", "one of YAML's words"),
        ("sampler", "on", "one of YAML's words"),
        ("sampler", "experiment", "experiment.yaml is a file of toonlab's own, or another file of the plugin"),
        ("sampler", "plain", "plain.yaml is a file of toonlab's own"),
        ("sampler", "x" * 300, "60 at most"),
        ("objective", "lsgan", "an objective called 'lsgan' is there already"),
        ("sampler", "basics", "a package called toonlab_basics is installed already"),
    ],
)
def test_a_name_that_can_not_be_is_refused(kind: str, name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match=says):
        create(kind, name, tmp_path / "x", CATALOGUE)
    assert not (tmp_path / "x").exists()


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(ToonlabError, match="give another folder with --out"):
        create("sampler", "loud", tmp_path, CATALOGUE)


@pytest.mark.parametrize("name", ["import", "class", "torch", "os"])
@pytest.mark.parametrize("kind", KINDS)
def test_words_of_python_and_names_of_packages_can_be_names(kind: str, name: str, tmp_path: Path) -> None:
    project = create(kind, name, tmp_path / name, CATALOGUE)
    project.write()
    for file in (tmp_path / name).glob("*.py"):
        ast.parse(file.read_text())
    assert yaml.load_file(tmp_path / name / f"{name}.yaml")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_can_not_be_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    for folder in (Path("/proc/loud"), tmp_path / ("x" * 300)):
        with pytest.raises(ToonlabError, match=r"can't be written: .*; choose another folder with --out"):
            create("sampler", "loud", folder, CATALOGUE).write()
    assert not list(tmp_path.iterdir())
