from __future__ import annotations

from pathlib import Path

import pytest

from toonlab_mlflow.run_key import read_key, run_key


def test_a_directory_keeps_its_key(tmp_path: Path) -> None:
    assert read_key(tmp_path) is None
    made = run_key(tmp_path)
    assert len(made) == 32
    assert run_key(tmp_path) == read_key(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.json"]


def test_two_directories_have_keys_of_their_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert run_key(tmp_path / "a") != run_key(tmp_path / "b")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"toonlab.run": "abc"', '{"toonlab.run": 3}', '{"toonlab.run": "x\' or"}', "3"]
)
def test_a_damaged_file_means_no_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "mlflow.json").write_text(text, encoding="utf-8")
    assert read_key(tmp_path) is None
    assert run_key(tmp_path) == read_key(tmp_path)
