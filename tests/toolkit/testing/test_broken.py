"""The page of broken plugins, and the kit as an author uses it; each kind of defect is tested with its module."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from broken import DEFECTS, PAGE, Unclear, messages, row

from toonlab.scaffold.examples.sampler import ExampleSampler
from toonlab.testing import TESTS, SamplerTests, check
from toonlab.testing.frame import failures

HEAD = [
    "# Broken plugins",
    "",
    f"{len(DEFECTS)} plugins that are wrong in one way each, the test of `toonlab.testing` that finds each,",
    "and what it says. Each is found by the test that is meant for it and by no other; where a second one has to",
    "fail as well, both are named. The tests try them all, and made this page.",
    "[How to test a plugin](plugins.md#testing-a-plugin)",
    "",
    "| what is wrong | kind | found by | what it says |",
    "|---|---|---|---|",
]


def test_there_are_defects_of_every_kind_of_test() -> None:
    assert len(DEFECTS) >= 20
    assert len({defect.what for defect in DEFECTS}) == len(DEFECTS)


def test_the_page_of_the_documentation_lists_every_defect() -> None:
    """`TOONLAB_WRITE_DOCS=1` writes the page; the tests of each kind compare its messages."""
    if os.environ.get("TOONLAB_WRITE_DOCS"):
        rows = [row(defect, messages(defect)) for defect in DEFECTS]
        PAGE.write_text("\n".join([*HEAD, *rows]) + "\n", encoding="utf-8")
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert lines[: len(HEAD)] == HEAD
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[len(HEAD) :]] == [d.what for d in DEFECTS]


def test_without_pytest_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(AssertionError) as caught:
        check(SamplerTests, Unclear, patch_size=16, k=2)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("test_an_image_as_small_as_allowed_works_and_smaller_ones_are_refused_with_advice: Unclear")
    assert "another error than PartError" in line


AUTHOR = """
from toonlab.scaffold.examples.sampler import ExampleSampler
from toonlab.testing import SamplerTests
from broken import Mismatched


class TestRight(SamplerTests):
    factory = ExampleSampler
    parameters = {"patch_size": 16, "k": 2}


class TestWrong(SamplerTests):
    factory = Mismatched
    parameters = {"patch_size": 16, "k": 2}
"""


def test_an_authors_tests(tmp_path: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    pytester.makepyfile(test_author=AUTHOR)
    pytester.syspathinsert(Path(__file__).parent)
    result = pytester.runpytest("-p", "no:cacheprovider", "-k", "boxes or key or signature or cost")
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] >= 9
    result.stdout.fnmatch_lines(["*TestWrong*test_boxes_match_the_pixels*", "*return toonlab.crop(images, boxes)*"])


def test_a_function_is_a_factory_like_any_other() -> None:
    def make(k: int = 2) -> Callable[..., object]:
        return ExampleSampler(patch_size=16, k=k)

    case = type("Of", (TESTS["samplers"],), {"factory": make})
    assert case().make() == ExampleSampler(patch_size=16, k=2)
    assert failures(TESTS["samplers"], make, {"k": 1}) == {}
