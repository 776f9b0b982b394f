"""YAML files as plain mappings: no Python tags, no key given twice, errors with their line."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from toonlab.errors import ToonlabError

MUST_BE_GIVEN = "???"


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys, of which YAML would silently keep the last.

    It also reads `???` as text inside `{…}`, where YAML takes a question mark for the start of a complex key.
    """

    def check_key(self) -> bool:
        return self.prefix(3) != MUST_BE_GIVEN and super().check_key()

    def scan_plain(self) -> yaml.ScalarToken:
        if self.prefix(3) != MUST_BE_GIVEN:
            return super().scan_plain()
        start = self.get_mark()
        self.forward(3)
        self.allow_simple_key = False
        return yaml.ScalarToken(MUST_BE_GIVEN, True, start, self.get_mark())

    def check_plain(self) -> bool:
        return self.prefix(3) == MUST_BE_GIVEN or super().check_plain()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def load(text: str, source: str) -> Any:
    """Parse YAML.

    Raises:
        ToonlabError: one line with the source and the line number.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ToonlabError(f"{source}{line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ToonlabError(f"{source}: {' '.join(str(error).split())}") from error


def load_file(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top is a mapping."""
    try:
        value = load(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ToonlabError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(value, dict):
        raise ToonlabError(f"{path}: expected a mapping of names to values at the top, got {type(value).__name__}")
    return value


def dump(tree: Any) -> str:
    """A tree as YAML that people read: short lists on one line, keys in their order."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Block style for mappings, flow style for lists of scalars."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flow = not any(isinstance(value, dict | list) for value in dict(mapping).values()) and len(mapping) < 3
        return super().represent_mapping(tag, mapping, flow)
