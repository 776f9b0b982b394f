"""Ways to damage a file, each drawn from a generator: bits, bytes, truncation, nesting, values of another type."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Damage = Callable[[bytes, Random], bytes]
DEEP: Any = []
for _ in range(120):
    DEEP = [DEEP]
VALUES = [
    *(None, True, -1, 0, 2.5, 10**9, 2**62, 10**40, 1e300, float("inf"), float("nan"), DEEP),
    *("", "x", "???", "\0", "\n", "é" * 300, "a" * 5000, "2024-13-45", "9" * 5000),
    *([], [1], [["a"]], [None], [{"use": "x"}], {}, {"a": 1}, {"use": 1}, {"use": ["a"]}, {"use": None}, {"": {}}),
]


def bits(content: bytes, draw: Random) -> bytes:
    """One bit flipped."""
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]


def bytes_(content: bytes, draw: Random) -> bytes:
    """A stretch replaced by random bytes, doubled, or taken out."""
    start = draw.randrange(len(content))
    stop = min(len(content), start + draw.randrange(1, 40))
    middle = draw.choice([b"", draw.randbytes(draw.randrange(1, 40)), 2 * content[start:stop]])
    return content[:start] + middle + content[stop:]


def truncation(content: bytes, draw: Random) -> bytes:
    """The end is missing."""
    return content[: draw.randrange(len(content))]


def nesting(content: bytes, draw: Random) -> bytes:
    """Brackets of a depth of up to 5,000, closed or not, at some place."""
    place, depth, kind = draw.randrange(len(content)), draw.choice([60, 250, 1200, 5000]), draw.choice([b"[]", b"{}"])
    opened = (b"[" if kind == b"[]" else b'{"a":') * depth
    return content[:place] + opened + (b"1" + kind[1:] * depth) * draw.randrange(2) + content[place:]


def mistyped(tree: Any, draw: Random) -> Any:
    """A tree in which one value is of another type, or gone."""
    tree = copy.deepcopy(tree)
    path = draw.choice(list(_paths(tree)))
    if not path:
        return draw.choice(VALUES)
    here = tree
    for key in path[:-1]:
        here = here[key]
    if draw.randrange(5):
        here[path[-1]] = draw.choice(VALUES)
    else:
        del here[path[-1]]
    return tree


def types_json(content: bytes, draw: Random) -> bytes:
    """JSON, or YAML in the form of JSON, with a value of another type."""
    return json.dumps(mistyped(json.loads(content), draw)).encode()


def types_of_a_line(content: bytes, draw: Random) -> bytes:
    """Lines of JSON, one of them with a value of another type."""
    lines = content.splitlines()
    place = draw.randrange(len(lines))
    lines[place] = types_json(lines[place], draw)
    return b"\n".join(lines) + b"\n"


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))
