"""Files of studies."""

from __future__ import annotations

from pathlib import Path

import pytest
from searches import SEARCH


@pytest.fixture
def file(small: Path) -> Path:
    path = small.parent / "search.yaml"
    path.write_text(SEARCH)
    return path
