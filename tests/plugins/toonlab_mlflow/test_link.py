from __future__ import annotations

from pathlib import Path

import pytest

from toonlab_mlflow import link


def test_what_is_written_is_read_back_for_the_same_store_only(tmp_path: Path) -> None:
    link.write(tmp_path, "sqlite:////runs/mlflow.db", "abc")
    assert link.read(tmp_path, "sqlite:////runs/mlflow.db") == "abc"
    assert link.read(tmp_path, "http://localhost:5000") is None
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.json"]


def test_a_password_is_not_written(tmp_path: Path) -> None:
    link.write(tmp_path, "postgresql://me:secret@host:5432/db", "abc")
    assert "secret" not in (tmp_path / "mlflow.json").read_text(encoding="utf-8")
    assert link.read(tmp_path, "postgresql://me:renewed@host:5432/db") == "abc"
    assert link.read(tmp_path, "postgresql://you:secret@host:5432/db") is None


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"run_id": "abc"', '{"run_id": "abc"}', "3"])
def test_a_missing_or_damaged_file_means_no_run(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "mlflow.json").write_text(text, encoding="utf-8")
    assert link.read(tmp_path, "sqlite:////runs/mlflow.db") is None
