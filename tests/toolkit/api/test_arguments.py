"""Overrides in Python mean what `key=value` means, and can be typed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toonlab import ToonlabError
from toonlab.api.arguments import command_line, names, pairs, plain
from toonlab.recipes.load import parse_override


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
    "value", [4, 0.5, 1e-5, None, True, "fp32", "null", "4", "", "a b's", "x: y", [1, "b"], {"use": "ctss", "k": 4}]
)
def test_the_command_line_says_the_same_values(value: Any) -> None:
    words = shlex.split(command_line("train", "my recipe.yaml", {"at": ["tiny"], "runs": None}, [("a.b", value)]))
    assert words[:5] == ["toonlab", "train", "my recipe.yaml", "--at", "tiny"]
    name, parsed = parse_override(words[5])
    assert (name, float(parsed) if isinstance(value, float) else parsed) == ("a.b", value)  # YAML's 1e-05 is text
