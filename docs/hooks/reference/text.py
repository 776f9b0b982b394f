"""Markdown from docstrings and values."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

from griffe import Docstring, DocstringSectionKind


def docstring(thing: object) -> tuple[str, dict[str, str]]:
    """What a docstring says, as Markdown, and what it says of each parameter; a base class describes those it gives."""
    inherited: dict[str, str] = {}
    for base in reversed(inspect.getmro(thing)[1:]) if inspect.isclass(thing) else ():
        inherited |= _sections(base)[1]
    about, own = _sections(thing)
    return about, inherited | own


def _sections(thing: object) -> tuple[str, dict[str, str]]:
    sections = Docstring(inspect.getdoc(thing) or "", lineno=1).parse("google", warnings=False)
    texts = [section.value for section in sections if section.kind is DocstringSectionKind.text]
    arguments = [section.value for section in sections if section.kind is DocstringSectionKind.parameters]
    return "\n\n".join(texts), {one.name: one.description for found in arguments for one in found}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""
