"""Errors are messages: complete, and with the nearest valid name."""

from __future__ import annotations

import pickle

import pytest
import torch

from toonlab.errors import Problem, RecipeError, ToonlabError, closest, first_line, is_out_of_memory, nearest


@pytest.mark.parametrize(
    ("name", "valid", "hint"),
    [
        ("cts", ["plain", "ctss"], "did you mean 'ctss'?"),
        ("qqq", ["plain", "ctss"], "valid: ctss, plain"),
        ("x", [], "there are none"),
    ],
)
def test_an_unknown_name_gets_the_nearest_or_all(name: str, valid: list[str], hint: str) -> None:
    assert nearest(name, valid) == hint
    assert (closest(name, valid) is not None) == hint.startswith("did")


def test_all_problems_of_a_recipe_are_lines_of_one_message() -> None:
    error = RecipeError("a.yaml", [Problem("train.steps", "got 0"), Problem("", "empty")])
    assert isinstance(error, ToonlabError)
    assert str(error) == "a.yaml: train.steps: got 0\na.yaml: empty"


def test_a_recipes_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(RecipeError("a.yaml", [Problem("x", "y")])))
    assert (error.source, error.problems, str(error)) == ("a.yaml", (Problem("x", "y"),), "a.yaml: x: y")


def test_of_another_librarys_error_the_first_line_is_told() -> None:
    assert first_line(ValueError("\n one\ntwo")) == "one"
    assert first_line(KeyboardInterrupt()) == "KeyboardInterrupt"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
