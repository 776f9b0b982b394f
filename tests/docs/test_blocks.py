"""Every code block and command of the README, the documentation and the author's guide is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toonlab import discover

from .bench import Evaluator
from .blocks import PAGES, Block, blocks, spans
from .reference import commands as documented
from .rules import COMMANDS, PRINTED, TRANSCRIPTS, rule_of

BLOCKS = {page: blocks(page) for page in PAGES}
OPTIONS = {
    name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for name, command in documented.walk()
}


@pytest.fixture
def bench(
    workspace: Path, command: Callable[..., Any], program: Callable[..., Any], until: Callable[..., None]
) -> Evaluator:
    return Evaluator(workspace, command, program, until, discover())


@pytest.mark.parametrize("page", [page for page, found in BLOCKS.items() if found])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_blocks_of_a_page_run(page: str, bench: Evaluator) -> None:
    failed = []
    for block in BLOCKS[page]:
        try:
            bench.run(block)
        except Exception as error:
            failed.append(f"{block.where}: {type(error).__name__}: {error}")
    failed += [f"{page}: not printed: {text}" for text in PRINTED.get(page, ()) if text not in bench.output]
    assert not failed, "\n".join(failed)


def commands(*languages: str) -> list[tuple[Block, str]]:
    return [(b, c) for found in BLOCKS.values() for b in found if b.language in languages for c in b.commands]


def test_every_command_has_a_rule_and_every_rule_a_command() -> None:
    typed = commands("sh")
    assert [f"{block.where}: {command}" for block, command in typed if not rule_of(command, COMMANDS)] == []
    shown = [(block, command.removeprefix("$ ")) for block, command in commands("console") if command[0] == "$"]
    assert [f"{block.where}: {command}" for block, command in shown if not rule_of(command, TRANSCRIPTS)] == []
    used = {
        rule_of(command, table) for table, found in ((COMMANDS, typed), (TRANSCRIPTS, shown)) for _, command in found
    }
    assert [rule.pattern for rule in (*COMMANDS, *TRANSCRIPTS) if rule not in used] == []


def test_what_is_not_run_as_it_stands_says_why() -> None:
    assert all(rule.why for rule in (*COMMANDS, *TRANSCRIPTS) if rule.how != "whole")


@pytest.mark.parametrize(
    ("language", "text", "says"),
    [
        ("sh", "toonlab recipes\nfrobnicate --now\n", "frobnicate --now: no rule"),
        ("sh", "toonlab recipes --al\n", "No such option: --al"),
        ("sh", "toonlab train ctss --at tiny train.stepz=3\n", "train.stepz: unknown"),
        ("sh", "make tets\n", "No rule to make target"),
        ("console", "$ toonlab train ctss --at tiny critics.patch.sampler.k=99\nerror: no\n", "k can be at most 16"),
        ("console", "$ toonlab nothing\n", "no rule"),
        ("python", "import toonlab\ntoonlab.discovr()\n", "no attribute 'discovr'"),
        ("yaml", "extends: ctss\ndata: {use: toonworld, sise: 64}\n", "data.sise: unknown"),
        ("yaml", "recipes: [ctss]\nat: tiny\nfactors: {critics.ptach.sampler.k: [1]}\n", "critics.ptach"),
        ("yaml", "recipe: ctss\nat: tiny\nsearch: {critics.patch.sampler.kk: auto}\nobjective: {metric: psnr}\n", "kk"),
        ("toml", "[project\n", "Expected"),
        ("ruby", "puts 1\n", "no rule for blocks of the language 'ruby'"),
    ],
)
def test_a_block_that_does_not_work_fails(language: str, text: str, says: str, bench: Evaluator) -> None:
    with pytest.raises(Exception, match=re.escape(says)):
        bench.run(Block("a page", 1, language, text))


def test_a_text_that_a_command_does_not_print_fails(bench: Evaluator) -> None:
    bench.run(Block("a page", 1, "sh", "toonlab new sampler ink\n"))
    bench.run(Block("a page", 4, "text", "The sampler ink is in ink:\n  ink/toonlab_ink.py "))
    with pytest.raises(AssertionError):
        bench.run(Block("a page", 4, "text", "The sampler ink is in ink:\n  ink/nothing.py"))


def test_commands_in_the_text_are_commands() -> None:
    """Their options, too; what they do is for the blocks to show."""
    pages = [page for page in PAGES if page != "docs/errors.md"]  # whose commands are mistakes: tests/test_bad_input.py
    wrong = [f"{page}: {found}" for page in pages for span in spans(page) if (found := misspelt(span))]
    assert wrong == []


@pytest.mark.parametrize("span", ["toonlab tran ctss", "toonlab train ctss --prnt", "toonlab plugins doktor"])
def test_a_misspelt_command_in_the_text_is_found(span: str) -> None:
    assert misspelt(span) == span


def misspelt(span: str) -> str | None:
    """The span, if its command or an option of it does not exist."""
    words = [word.strip("[]…") for word in span.removeprefix("toonlab ").split()]
    if words[0].startswith("--"):
        return None
    name = " ".join(words[:2]) if " ".join(words[:2]) in OPTIONS else words[0]
    below = name == "plugins" and len(words) > 1 and not words[1].startswith("-")
    if below or (name not in OPTIONS and name != "COMMAND"):
        return span
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return span if options - OPTIONS.get(name, {"--help"}) else None


def test_the_chinese_readme_has_the_same_blocks() -> None:
    """But for comments: the blocks that were run are these."""
    english, chinese = (
        [(block.language, list(block.commands)) for block in blocks(page)] for page in ("README.md", "README.zh-CN.md")
    )
    assert chinese == english
