"""One stage of a network: maps that are computed strip by strip, from the picture's top to its bottom, at once."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import Node

from .graph import ROWS, Constants, Rows, row_bytes, shape_of, tensor_of
from .operators import RowOperator

Steps = Iterator[tuple[RowOperator, Rows, Mapping[Node, int]]]


class Source(RowOperator):
    """A map that exists already: the photo, or one that an earlier stage has stored."""

    def __init__(self, node: Node, read: Callable[[int, int], Tensor], constants: Constants) -> None:
        super().__init__(node, (), constants)
        self.read = read

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        return self.read(*rows)


@dataclass
class Stage:
    """What is streamed at once: operators in order, of which some are stored, measured or the result."""

    operators: list[RowOperator]
    targets: set[Node]
    stored: set[Node]
    measured: set[Node]

    def steps(self, count: int) -> Steps:
        """In turn an operator, the rows to compute, and the first row to keep of the maps that this changes.

        The targets advance in `count` steps of about the same share of their rows.
        """
        members = {each.node: each for each in self.operators}
        users: dict[Node, list[tuple[RowOperator, int]]] = {node: [] for node in members}
        for each in self.operators:
            for index, given in enumerate(each.inputs):
                users[given].append((each, index))
        done = dict.fromkeys(members, 0)
        for step in range(1, count + 1):
            wanted = dict(done)
            for node in self.targets:
                wanted[node] = -(-members[node].height * step // count)
            for each in reversed(self.operators):
                if wanted[each.node] > done[each.node]:
                    for index, given in enumerate(each.inputs):
                        end = each.needs(index, done[each.node], wanted[each.node])[1]
                        wanted[given] = max(wanted[given], end)
            for each in self.operators:
                rows = done[each.node], wanted[each.node]
                if rows[0] < rows[1]:
                    done[each.node] = rows[1]
                    changed = {node for node in (each.node, *each.inputs) if done[node]}
                    yield each, rows, {node: _kept(users[node], done) for node in changed}

    def peak(self, count: int) -> int:
        """The most bytes that strips take at once: rows that are kept, and those of the current operator twice."""
        sizes = {each.node: row_bytes(each.node) for each in self.operators}
        firsts, ends = dict.fromkeys(sizes, 0), dict.fromkeys(sizes, 0)
        held = most = 0
        for each, rows, keep in self.steps(count):
            new = (rows[1] - rows[0]) * sizes[each.node]
            needs = [each.needs(index, *rows) for index in range(len(each.inputs))]
            given = sum((end - first) * sizes[node] for node, (first, end) in zip(each.inputs, needs, strict=True))
            most = max(most, held + 2 * new + given)
            held, ends[each.node] = held + new, rows[1]
            for node, first in keep.items():
                first = min(max(first, firsts[node]), ends[node])
                held, firsts[node] = held - (first - firsts[node]) * sizes[node], first
        return most

    def fitting(self, memory: float) -> int:
        """The fewest steps, a power of 2, in which strips take at most this memory; if none, as many as rows."""
        rows = max(each.height for each in self.operators)
        counts = [2**power for power in range(1 + math.ceil(math.log2(rows)))]
        return next((count for count in counts if self.peak(count) <= memory), counts[-1])

    def run(self, count: int, take: Callable[[Node, int, Tensor], None]) -> None:
        """Compute everything, and hand over the rows of the targets with the number of the first."""
        buffers: dict[Node, tuple[int, Tensor]] = {}
        for each, rows, keep in self.steps(count):
            made = each.compute(list(_pieces(each, rows, buffers)), rows)
            if each.node in self.targets:
                take(each.node, rows[0], made)
            first, kept = buffers.get(each.node, (rows[0], made[:, :, :0]))
            buffers[each.node] = first, torch.cat([kept, made], ROWS) if kept.shape[ROWS] else made
            del made, kept
            for node, start in keep.items():
                first, held = buffers[node]
                if (drop := min(start - first, held.shape[ROWS])) > 0:
                    buffers[node] = first + drop, held[:, :, drop:].clone()


def _pieces(each: RowOperator, rows: Rows, buffers: Mapping[Node, tuple[int, Tensor]]) -> Iterator[Tensor]:
    for index, node in enumerate(each.inputs):
        first, end = each.needs(index, *rows)
        start, held = buffers[node] if first < end else (first, _no_rows(node))
        yield held[:, :, first - start : end - start]


def _no_rows(node: Node) -> Tensor:
    batch, channels, _, *rest = shape_of(node)
    value = tensor_of(node)
    return torch.empty((batch, channels, 0, *rest), dtype=value.dtype, device=value.device)


def _kept(users: Iterable[tuple[RowOperator, int]], done: Mapping[Node, int]) -> int:
    """The first row of a map that one of its users still needs."""
    left = [
        each.needs(index, done[each.node], each.height)[0] for each, index in users if done[each.node] < each.height
    ]
    return min(left, default=2**62)
