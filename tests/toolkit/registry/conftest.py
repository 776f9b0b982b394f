"""Real distributions on the path, for the time of a test."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution on the path: its module, its metadata and its entry point; returns its `.dist-info`."""
    installed = []

    def put(
        name: str, source: str, version: str = "1.2", group: str = "toonlab", requires: str = "", entry: str = ""
    ) -> Path:
        module = name.replace("-", "_")
        installed.append(module)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        (info / "entry_points.txt").write_text(f"[{group}]\n{module} = {entry or module}\n")
        return info

    monkeypatch.syspath_prepend(str(tmp_path))
    yield put
    for module in installed:
        sys.modules.pop(module, None)
