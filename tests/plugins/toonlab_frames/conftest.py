"""Films of the tests: encoded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .rendered import Picture, encode, finished, scenario


@pytest.fixture(scope="session")
def drawn() -> list[Picture]:
    """The frames of the film."""
    return [finished(each) for each in scenario()]


@pytest.fixture(scope="session")
def film(drawn: list[Picture], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("film") / "film.mp4", drawn)


@pytest.fixture(scope="session")
def recoded(drawn: list[Picture], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another person's copy of the film."""
    return encode(tmp_path_factory.mktemp("recoded") / "other.mkv", drawn, "libx264", gop=50, bit_rate=400_000)
