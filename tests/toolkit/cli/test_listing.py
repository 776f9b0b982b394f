"""How parts, parameters and recipes are written in lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from toonlab import Tunable
from toonlab.cli.listing import default_of, describe, search_range, show_catalogue, show_recipes
from toonlab.registry.catalogue import Catalogue, Failure
from toonlab.registry.schema import Schema


class Part:
    """A part."""

    def __init__(
        self,
        size: Annotated[int, Tunable(low=8, high=64, step=8)] = 16,
        path: Path | None = None,
        flip: bool = True,
        betas: tuple[float, float] = (0.5, 0.999),
        *,
        name: str,
    ) -> None: ...


PARAMETERS = Schema.of(Part).parameters


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("size", "size: int = 16  (search 8 … 64, step 8)"),
        ("path", "path: Path | null = null"),
        ("flip", "flip: bool = true"),
        ("name", "name: str  (must be given)"),
    ],
)
def test_a_parameter_is_described_in_a_line(name: str, text: str) -> None:
    assert describe(PARAMETERS[name]) == text


def test_a_default_is_written_as_in_a_recipe() -> None:
    assert default_of(PARAMETERS["betas"]) == "[0.5, 0.999]"


def test_a_search_range_says_its_step_or_its_scale() -> None:
    assert search_range(Tunable(low=0.1, high=10.0, log=True)) == "0.1 … 10, log"
    assert search_range(Tunable(low=1, high=3)) == "1 … 3"


def test_clashes_and_plugins_that_did_not_load_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = Catalogue(clashes={("samplers", "same"): ("a 1", "b 2")})
    catalogue.failures.append(Failure("c 3", "odd", "failed [to] import"))
    show_catalogue(catalogue)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "clash: sampler 'same' is offered by a 1 and by b 2; usable from neither",
        "not loaded: plugin 'odd' of c 3: failed [to] import",
    ]


def test_a_recipe_that_cannot_be_read_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from toonlab.utils import paths

    (tmp_path / "baselines" / "at").mkdir(parents=True)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "baselines" / "good.yaml").write_text("about: fine [really]\n")
    (tmp_path / "baselines" / "bad.yaml").write_text("- 1\n")
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    show_recipes()
    out = capsys.readouterr().out
    assert "  good  fine [really]" in out
    assert "  bad   unreadable: " in out
