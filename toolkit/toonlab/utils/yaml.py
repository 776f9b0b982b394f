"""YAML files as plain mappings: no Python tags, no key given twice, not too deep or large, errors with their line."""

from collections.abc import Hashable
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from toonlab.errors import ToonlabError

from .reading import read_bytes, shortened

MUST_BE_GIVEN = "???"
DEEPEST = 50  # levels of nesting; a recipe has some six
LARGEST = 100_000  # values, those that an alias repeats included
_BAD_VALUE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)  # of PyYAML's constructors


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys, of which YAML would silently keep the last.

    It also reads `???` as text inside `{…}`, where YAML takes a question mark for the start of a complex key.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth, self._sizes = 0, dict[int, int]()  # by the identity of a node that is complete

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self._depth == DEEPEST:
            raise ComposerError(None, None, f"nested deeper than {DEEPEST} levels", event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        alias = isinstance(event, yaml.AliasEvent)
        if alias and id(node) not in self._sizes:
            raise ComposerError(None, None, f"*{event.anchor} is inside of what it stands for", event.start_mark)
        inner = [] if node is None or isinstance(node, yaml.ScalarNode) else node.value
        children = [part for item in inner for part in (item if isinstance(item, tuple) else (item,))]
        self._sizes[id(node)] = size = 1 + sum(self._sizes[id(child)] for child in children)
        if size > LARGEST:
            raise ComposerError(None, None, f"more than {LARGEST} values, aliases included", event.start_mark)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and abs(value) > 10**300:  # Python refuses to print those of 4,300 digits
                raise OverflowError
            return value
        except _BAD_VALUE as error:
            kind, text = node.tag.rpartition(":")[2], shortened(str(node.value))
            raise ConstructorError(None, None, f"{text!r} is no valid {kind}", node.start_mark) from error

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
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                text = f"a key is a name, not a {'list' if isinstance(key, list) else 'mapping'}"
                raise ConstructorError(None, None, text, key_node.start_mark)
            if key in seen:
                raise ConstructorError(None, None, f"key {shortened(repr(key))} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag in ("binary", "set", "omap", "pairs"):  # of which there are no such values in JSON
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_undefined)  # type: ignore[type-var]


@lru_cache(maxsize=64)  # a study reads the same few recipes for each of its cells
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # a SafeLoader


def load(text: str, source: str) -> Any:
    """Parse YAML; at most 50 levels and 100,000 values, those that aliases repeat included.

    Raises:
        ToonlabError: one line with the source and the line number.
    """
    try:
        return deepcopy(_parsed(text))
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise ToonlabError(f"{source}{line}: {shortened(problem, 200)}") from error
    except yaml.YAMLError as error:
        raise ToonlabError(f"{source}: {' '.join(str(error).split())}") from error


def load_file(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top is a mapping.

    Raises:
        ToonlabError: one line with the file, and with the line number where there is one.
    """
    try:
        value = load(read_bytes(path, "give a file of YAML", largest=2**22).decode(), str(path))
    except FileNotFoundError:
        raise ToonlabError(f"{path}: can't be read: no such file") from None
    except UnicodeDecodeError as error:
        raise ToonlabError(f"{path}: can't be read: it is not UTF-8; save it as UTF-8") from error
    if not isinstance(value, dict):
        raise ToonlabError(f"{path}: expected a mapping of names to values at the top, got {type(value).__name__}")
    return value


def dump(tree: Any, *, unicode: bool = True) -> str:
    """A tree as YAML that people read: short lists on one line, keys in their order; letters as escapes if asked."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=unicode, width=110)


class _Dumper(yaml.SafeDumper):
    """Block style for mappings, flow style for lists of scalars."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flow = not any(isinstance(value, dict | list) for value in dict(mapping).values()) and len(mapping) < 3
        return super().represent_mapping(tag, mapping, flow)
