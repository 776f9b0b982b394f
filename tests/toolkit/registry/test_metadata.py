"""What is installed, read from metadata alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from toonlab.registry import metadata
from toonlab.registry.metadata import Source, duplicates, entries, file_of

Install = Callable[..., Path]


def test_own_entry_points_come_first_then_names(install: Install) -> None:
    install("toonlab-a", "")
    found = entries(metadata.PLUGINS)
    assert [entry.own for entry in found] == sorted((entry.own for entry in found), reverse=True)
    assert found[-1].name == "toonlab_a"
    assert str(found[-1].source) == "toonlab-a 1.2"
    assert "toonlab_a" not in sys.modules


@pytest.mark.parametrize("group", [metadata.PLUGINS, metadata.COMMANDS, metadata.PRELOADS])
def test_they_are_those_of_the_standard_library(install: Install, tmp_path: Path, group: str) -> None:
    """A distribution without entry points hides a later one of its name, however either is spelt."""
    install("toonlab-hidden", "", "2.0")
    (tmp_path / "first" / "Toonlab.Hidden-1.0.dist-info").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "first")
        assert {entry.point for entry in entries(group)} == set(entry_points(group=group))
        assert "toonlab-hidden" not in {entry.source.name for entry in entries(group)}


def test_an_editable_installation_has_a_project(install: Install, tmp_path: Path) -> None:
    info = install("toonlab-edited", "")
    assert entries(metadata.PLUGINS)[-1].source.project is None
    origin = {"url": (tmp_path / "my project").as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin))
    assert entries(metadata.PLUGINS)[-1].source.project == tmp_path / "my project"


@pytest.mark.parametrize(
    ("requires", "read", "fits"),
    [
        ("", None, True),
        ("toonlab", None, True),
        ("toonlab>=0.1,<1", "toonlab<1,>=0.1", True),
        ("toonlab>=7", "toonlab>=7", False),
        ("toonlab<0.1", "toonlab<0.1", False),
        ("other>=7", None, True),
        ("toonlab >= (", None, True),  # unreadable: pip would have refused it
    ],
)
def test_the_required_version_of_toonlab_is_compared_with_the_installed_one(
    install: Install, requires: str, read: str | None, fits: bool
) -> None:
    install("toonlab-needy", "", requires=requires)
    source = entries(metadata.PLUGINS)[-1].source
    assert source.requires == read
    assert (source.objection is None) == fits
    if not fits:
        text = f"it requires {read}, and this is toonlab {metadata.own().version}; install a version of toonlab-needy"
        assert text in str(source.objection)


def test_metadata_that_hide_others_of_the_same_name_are_found(install: Install, tmp_path: Path) -> None:
    first = install("toonlab-twice", "", "2.0")
    assert list(duplicates(metadata.PLUGINS)) == []
    other = tmp_path / "later"
    other.mkdir()
    (first.rename(other / first.name))
    used = install("toonlab-twice", "", "1.0")
    sys.path.append(str(other))
    try:
        ((found, stale),) = duplicates(metadata.PLUGINS)
    finally:
        sys.path.remove(str(other))
    assert (stale.version, found.version) == ("2.0", "1.0")
    assert found.metadata == used


def test_the_egg_info_that_an_editable_build_left_hides_nothing(tmp_path: Path) -> None:
    editable = Source("x", "1", tmp_path / "site" / "x-1.dist-info", project=tmp_path / "x")
    left = Source("x", "1", tmp_path / "x" / "x.egg-info")
    assert editable.wrote(left)
    assert not left.wrote(editable)
    assert not editable.wrote(Source("x", "1", tmp_path / "elsewhere" / "x.egg-info"))


def test_files_are_found_without_an_import(install: Install, tmp_path: Path) -> None:
    install("toonlab-looked-for", "raise SystemExit")
    assert file_of("toonlab_looked_for") == tmp_path / "toonlab_looked_for.py"
    assert file_of("toonlab.registry.metadata") == Path(metadata.__file__)
    assert file_of("toonlab.no_such_module") is None
    assert file_of("not a module") is None
    assert "toonlab_looked_for" not in sys.modules


def test_a_distribution_without_metadata_is_named_by_its_folder(install: Install) -> None:
    info = install("toonlab-torn", "", "3.1")
    (info / "METADATA").write_text("")
    assert [str(e.source) for e in entries(metadata.PLUGINS) if e.name == "toonlab_torn"] == ["toonlab_torn 3.1"]
