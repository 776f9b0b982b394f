"""The manifest says the truth: every golden array is matched by a test that exists, or excluded for a reason."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "data" / "golden"
MANIFEST: dict[str, dict[str, str]] = json.loads((GOLDEN / "manifest.json").read_text())
MATCHED = "matched by "


def entries() -> list[tuple[str, str, str]]:
    return [(file, array, says) for file, arrays in MANIFEST.items() for array, says in arrays.items()]


def test_every_file_is_listed():
    assert {path.stem for path in GOLDEN.glob("*.npz")} == set(MANIFEST)


@pytest.mark.parametrize("file", MANIFEST)
def test_every_array_is_listed(file: str):
    with np.load(GOLDEN / f"{file}.npz") as arrays:
        assert set(arrays.files) == set(MANIFEST[file])


def test_every_array_is_matched_or_has_a_reason():
    for file, array, says in entries():
        known = says.startswith((MATCHED, "excluded: "))
        assert known, f"{file}/{array}: expected 'matched by …' or 'excluded: …', got {says!r}"


def test_every_test_that_is_named_exists_and_reads_the_file():
    for file, array, says in entries():
        if says.startswith(MATCHED):
            path, _, name = says.removeprefix(MATCHED).partition("::")
            source = functions_in(path).get(name)
            assert source is not None, f"{file}/{array}: there is no test {says.removeprefix(MATCHED)}"
            assert f'golden("{file}")' in source, f"{file}/{array}: {name} does not read {file}"


FILES = {  # a method of the README's table -> the files of its arrays: those that begin so
    "ctss": ("ctss_", "vgg_ctss"),
    "cartoongan": ("cartoongan_",),
    "animegan": ("animegan_",),
    "whitebox": ("whitebox_", "vgg_wb"),
}


@pytest.mark.parametrize("method", FILES)
def test_the_readme_counts_the_matched_arrays(method: str):
    line = next(row for row in readme_rows() if f"[`{method}`]" in row)
    files = [file for file in MANIFEST if file.startswith(FILES[method])]
    matched = sum(says.startswith(MATCHED) for file in files for says in MANIFEST[file].values())
    assert f" {matched} arrays;" in line


def readme_rows() -> list[str]:
    return [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| [")]


def functions_in(path: str) -> dict[str, str]:
    """The test functions of a file: name -> source."""
    if not (ROOT / path).is_file():
        return {}
    text = (ROOT / path).read_text()
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.unparse(node).replace("'", '"') for node in functions if node.name.startswith("test_")}
