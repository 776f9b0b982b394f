"""Recipes, experiments and the cache are found by name, by path, and next to the file that names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from toonlab import ToonlabError
from toonlab.utils.paths import cache_dir, expanded, find, listed, root, study_of, unset_variable


def test_the_cache_is_where_the_variable_says_and_else_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOONLAB_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.setenv("TOONLAB_CACHE", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "toonlab"


def test_recipes_are_listed_by_name_and_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert listed("baselines")["ctss"] == root() / "baselines" / "ctss.yaml"
    assert find("ctss", "baselines") == root() / "baselines" / "ctss.yaml"
    assert find("experiments/demo.yaml", "experiments") == root() / "experiments" / "demo.yaml"


def test_a_name_next_to_the_file_that_names_it_comes_first(tmp_path: Path) -> None:
    near, own = tmp_path / "study.yaml", tmp_path / "ctss.yaml"
    own.write_text("")
    assert find("ctss", "baselines", near) == own
    assert find("identity", "baselines", near) == root() / "baselines" / "identity.yaml"
    assert find("ctss.yaml", "baselines", near) == own


@pytest.mark.parametrize(
    ("name", "folder", "text"),
    [
        ("cts", "baselines", r"cts: no such recipe; did you mean 'ctss'.*\(`toonlab recipes` lists them"),
        ("demoo", "experiments", "demoo: no such experiment; did you mean 'demo'"),
        ("tinyy", "baselines/at", "tinyy: no such file of overrides; did you mean 'tiny'"),
        ("nowhere/ctss.yaml", "baselines", "nowhere/ctss.yaml: no such file"),
    ],
)
def test_a_name_that_is_not_found_names_the_nearest(name: str, folder: str, text: str) -> None:
    with pytest.raises(ToonlabError, match=text):
        find(name, folder)


def test_a_study_is_called_as_its_file_or_folder(tmp_path: Path) -> None:
    assert study_of(tmp_path / "ablation.yaml") == "ablation"
    assert study_of(tmp_path / "ablation" / "experiment.yaml") == "ablation"


@pytest.mark.parametrize(
    "name", ["x" * 5000, "x" * 300 + ".yaml", "a/" * 2500 + "x.yaml", "a\0b.yaml", "\n", "a\nb.yaml"]
)
def test_any_name_is_not_found_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToonlabError, match="no such") as caught:
        find(name, "baselines", tmp_path / "file.yaml")
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


def test_a_path_may_begin_with_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMES", "/films/one")
    monkeypatch.setenv("NOTHING", "")
    assert (expanded("$FRAMES/train"), expanded("${FRAMES}2")) == ("/films/one/train", "/films/one2")
    unchanged = ["$NOTHING/train", "$NOWHERE", "./$FRAMES", "a/$FRAMES", "$", "$/a"]
    assert [expanded(path) for path in unchanged] == unchanged
    assert [unset_variable(path) for path in unchanged] == ["NOTHING", "NOWHERE", None, None, None, None]
    assert unset_variable("$FRAMES/train") is None
