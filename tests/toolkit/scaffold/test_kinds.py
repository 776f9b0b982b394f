"""`toonlab new` has a starter for every kind of part but post-processors, whose files are there."""

from __future__ import annotations

from pathlib import Path

import pytest

import toonlab.scaffold
from toonlab.registry.protocols import KINDS
from toonlab.scaffold.kinds import STARTERS

EXAMPLES = Path(toonlab.scaffold.__file__).parent / "examples"


def test_every_kind_but_post_processors_has_a_starter() -> None:
    assert {starter.kind for starter in STARTERS.values()} == set(KINDS) - {"postprocessors"}


@pytest.mark.parametrize("kind", STARTERS)
def test_its_files_are_there(kind: str) -> None:
    module = STARTERS[kind].module
    for name in (f"{module}.py", f"test_{module}.py", f"{module}.recipe.yaml", f"{module}.experiment.yaml"):
        assert (EXAMPLES / name).is_file()


@pytest.mark.parametrize("kind", STARTERS)
def test_its_command_is_one_of_toonlab_with_the_example(kind: str) -> None:
    command, shows = STARTERS[kind].see
    assert command.startswith("toonlab ")
    assert "example" in command
    assert shows
