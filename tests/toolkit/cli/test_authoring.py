"""`toonlab new`: the files that it writes, and the commands that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_new_plugin_is_listed_with_the_next_commands(typed: Callable[..., Any], tmp_path: Path) -> None:
    done = typed("new", "sampler", "loud-patches")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "The sampler loud_patches is in loud-patches:"
    listed = {line.split()[0] for line in lines[1 : lines.index("Next:")]}
    written = {str(path.relative_to(tmp_path)) for path in (tmp_path / "loud-patches").rglob("*") if path.is_file()}
    assert listed in (written, {path.removeprefix("loud-patches/") for path in written})
    assert lines[-3:] == [
        "  pip install -e loud-patches",
        "  pytest loud-patches",
        "  toonlab compare loud-patches/experiment.yaml",
    ]


def test_another_folder_can_be_named(typed: Callable[..., Any], tmp_path: Path) -> None:
    assert typed("new", "metric", "my-metric", "--out", "there").returncode == 0
    assert (tmp_path / "there" / "pyproject.toml").is_file()
    again = typed("new", "metric", "my-metric", "--out", "there")
    assert again.returncode == 2
    assert again.stderr.startswith("error: ")


def test_an_unknown_kind_is_one_line(typed: Callable[..., Any]) -> None:
    done = typed("new", "samplr", "x")
    assert done.returncode == 2
    assert "did you mean 'sampler'?" in done.stderr
