"""The page on the architecture says what is there: its files and names exist, its map is that of the imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import make_map
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ANSWERS = re.findall(r"`((?:toolkit|plugins)/[\w/]+\.py)`(?: \(`([\w.]+)`\))?", PAGE)
FOLDERS = re.findall(r"`((?:toolkit|plugins)/[\w/]+/)`", PAGE)


def defined(path: Path) -> set[str]:
    """The functions and classes of a file, methods as `Class.method`."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


@pytest.mark.parametrize(("file", "name"), ANSWERS)
def test_answers_name_files_and_definitions_that_exist(file: str, name: str) -> None:
    assert (ROOT / file).is_file()
    assert not name or name in defined(ROOT / file)


def test_the_page_answers_with_files() -> None:
    assert len(ANSWERS) >= 12
    assert all((ROOT / folder).is_dir() for folder in FOLDERS)


def test_the_map_is_drawn_from_the_imports_as_they_are() -> None:
    drawn = make_map.drawn(make_map.imports())
    assert make_map.OUT.read_text(encoding="utf-8") == drawn, "out of date: python docs/make_map.py"


def test_a_circle_of_imports_is_named() -> None:
    circle = {"one": frozenset({"other"}), "other": frozenset({"one"}), "third": frozenset[str]()}
    with pytest.raises(ValueError, match="a circle of imports among one, other"):
        make_map.floors(circle)


def test_an_import_that_a_path_implies_has_no_arrow() -> None:
    imported = {"low": frozenset[str](), "middle": frozenset({"low"}), "high": frozenset({"low", "middle"})}
    assert list(make_map.arrows(imported)) == [("middle", "low"), ("high", "middle")]
