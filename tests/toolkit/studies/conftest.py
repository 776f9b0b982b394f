"""Files of studies."""

from __future__ import annotations

from pathlib import Path

import pytest
from searches import OTHER, SEARCH, SEVERAL


@pytest.fixture
def file(small: Path) -> Path:
    path = small.parent / "search.yaml"
    path.write_text(SEARCH)
    return path


@pytest.fixture
def several(small: Path) -> Path:
    """A search over two recipes."""
    (small.parent / "other.yaml").write_text(OTHER)
    path = small.parent / "several.yaml"
    path.write_text(SEVERAL)
    return path
