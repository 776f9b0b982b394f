"""What the plugins' tests share."""

from __future__ import annotations

import pytest

from toonlab import Catalogue, discover


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return discover()
