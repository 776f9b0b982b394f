"""Overrides in Python mean what `key=value` means, and calls are recorded as Python writes them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from toonlab import ToonlabError
from toonlab.api.arguments import call, names, pairs, plain


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"train.steps": 4}, [("train.steps", 4)]),
        ({"train": {"steps": 4, "flip": False}}, [("train.steps", 4), ("train.flip", False)]),
        ({"critics": {"patch": {"sampler": {"k": 4}}}}, [("critics.patch.sampler.k", 4)]),
        ({"critics": {"patch": None}}, [("critics.patch", None)]),
        ({"critics": {"a": {"sampler": {"use": "ctss", "k": 4}}}}, [("critics.a.sampler", {"use": "ctss", "k": 4})]),
        ({"critics.patch.weight": {"critic": 1}}, [("critics.patch.weight", {"critic": 1})]),
        ({"observers": {}}, [("observers", {})]),
        ({"stages": {0: {"share": 0.5}}}, [("stages.0.share", 0.5)]),
        ({"data": {"of": Path("in")}, "evaluate.metrics": ("a",)}, [("data.of", "in"), ("evaluate.metrics", ["a"])]),
    ],
)  # fmt: skip
def test_sections_and_dotted_names_become_pairs(overrides: dict[str, Any], expected: list[tuple[str, Any]]) -> None:
    assert pairs(overrides) == expected


@pytest.mark.parametrize("name", ["", ".train", "train."])
def test_a_name_that_is_no_path_is_refused(name: str) -> None:
    with pytest.raises(ToonlabError, match="expected a dotted name"):
        pairs({name: 1})


def test_numpys_numbers_become_pythons() -> None:
    found = plain({"k": np.int64(4), "lr": np.float32(0.5), "betas": np.array([0.5, 0.25]), "of": range(2)}, "x")
    assert found == {"k": 4, "lr": 0.5, "betas": [0.5, 0.25], "of": [0, 1]}
    assert [type(value) for value in found.values()] == [int, float, list, list]


def test_what_no_recipe_could_hold_is_refused_with_its_place() -> None:
    with pytest.raises(ToonlabError, match=r"critics\.patch\.sampler: got <.*expected numbers, text"):
        pairs({"critics": {"patch": {"sampler": object()}}})


def test_one_name_or_several() -> None:
    assert names("tiny") == ["tiny"]
    assert names(Path("own.yaml")) == ["own.yaml"]
    assert names(("tiny", Path("own.yaml"))) == ["tiny", "own.yaml"]


@pytest.mark.parametrize(
    ("subject", "options", "overrides", "expected"),
    [
        ("demo", {"seeds": 2, "name": None}, {}, "toonlab.compare('demo', seeds=2)"),
        (Path("own.yaml"), {"runs": Path("here")}, {}, "toonlab.compare('own.yaml', runs='here')"),
        ("demo", {}, {"train": {"steps": 3}}, "toonlab.compare('demo', train={'steps': 3})"),
        ("demo", {}, {"observers": None}, "toonlab.compare('demo', observers=None)"),
        ("demo", {}, {"train.steps": np.int64(3)}, "toonlab.compare('demo', **{'train.steps': 3})"),
        ({"recipes": ["ctss"]}, {"name": "mine"}, {}, "toonlab.compare({…}, name='mine')"),
    ],
)
def test_a_call_is_recorded_as_python_writes_it(
    subject: Any, options: dict[str, Any], overrides: dict[str, Any], expected: str
) -> None:
    assert call("compare", subject, options, overrides) == expected


def test_a_recorded_call_has_the_same_arguments() -> None:
    overrides = {
        "train": {"steps": 3, "precision": "it's"},
        "critics.patch.sampler": {"use": "ctss", "k": 4},
        "a": None,
    }
    recorded = call("train", "my recipe.yaml", {"at": ["tiny", "own"], "runs": None}, overrides)

    def train(*positional: Any, **named: Any) -> tuple[Any, ...]:
        return positional, named

    expected = (("my recipe.yaml",), {"at": ["tiny", "own"], **overrides})
    assert eval(recorded, {"toonlab": SimpleNamespace(train=train)}) == expected
