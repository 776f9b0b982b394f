"""Hierarchical merging of regions on their adjacency graph: the grouping of selective search."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

import numpy as np

from .regions import Integers, Reals, Regions


def merge(regions: Regions, keep: int) -> Integers:
    """Merge the two most alike neighbours until `keep` regions are left: `(R,)`, each region's new number from 0.

    Uijlings et al., "Selective Search for Object Recognition", IJCV 2013, algorithm 1, with the sum of all four
    similarities. The most similar pair comes from a heap, which keeps pairs of merged regions until they come up; n
    merges of a graph with E edges take O((n + E) log E). Among equally similar pairs the one with the lower numbers
    comes first. Only adjacent regions are merged, so that a disconnected picture may keep more than `keep`.
    """
    graph = _Graph(regions, keep)
    heap = [(-s, i, j) for s, (i, j) in zip(graph.alike_pairs(), regions.pairs.tolist(), strict=True)]
    heapify(heap)
    while graph.left > keep and heap:
        _, one, other = heappop(heap)
        if graph.alive[one] and graph.alive[other]:
            new, neighbours, alike = graph.join(one, other)
            for neighbour, similarity in zip(neighbours, alike, strict=True):
                heappush(heap, (-similarity, neighbour, new))
    return graph.numbers()


class _Graph:
    """The adjacency graph of regions; a merged region gets the next free number."""

    def __init__(self, regions: Regions, keep: int) -> None:
        first = len(regions.sizes)
        room = max(2 * first - keep, first)
        self.histograms, self.boxes = (_enlarged(table, room) for table in (regions.histograms, regions.boxes))
        self.sizes = _enlarged(regions.sizes, room)
        self.first, self.used, self.left, self.pixels = first, first, first, regions.pixels
        self.alive = [True] * first
        self.parents = list(range(room))
        self.pairs = regions.pairs
        self.neighbours: list[set[int]] = [set() for _ in range(first)]
        for one, other in regions.pairs.tolist():
            self.neighbours[one].add(other)
            self.neighbours[other].add(one)

    def join(self, one: int, other: int) -> tuple[int, list[int], list[float]]:
        """Merge two regions: the new one's number, its neighbours, and how alike it is to each of them."""
        new, both = self.used, [one, other]
        sizes = self.sizes[both]
        self.sizes[new] = sizes.sum()
        self.histograms[new] = sizes @ self.histograms[both] / sizes.sum()
        self.boxes[new, :2], self.boxes[new, 2:] = self.boxes[both, :2].min(0), self.boxes[both, 2:].max(0)
        around = (self.neighbours[one] | self.neighbours[other]) - {one, other}
        for neighbour in around:
            self.neighbours[neighbour] -= {one, other}
            self.neighbours[neighbour].add(new)
        self.neighbours.append(around)
        self.alive[one] = self.alive[other] = False
        self.alive.append(True)
        self.parents[one] = self.parents[other] = new
        self.used, self.left = new + 1, self.left - 1
        ordered = sorted(around)
        return new, ordered, self.alike([new], ordered).tolist()

    def alike_pairs(self) -> Iterable[float]:
        return self.alike(self.pairs[:, 0], self.pairs[:, 1]).tolist()

    def alike(self, ones: list[int] | Integers, others: list[int] | Integers) -> Reals:
        """Similarity of regions, in pairs: the sum of the paper's equations 2 to 5.

        The intersection of the histograms (colour and texture, each at most 1), how small both regions are, and the
        share of their common bounding box that they fill.
        """
        common = np.minimum(self.histograms[ones], self.histograms[others]).sum(1)
        together = self.sizes[ones] + self.sizes[others]
        top_left = np.minimum(self.boxes[ones, :2], self.boxes[others, :2])
        sides = np.maximum(self.boxes[ones, 2:], self.boxes[others, 2:]) - top_left
        small = 1 - together / self.pixels
        filled = 1 - (sides.prod(1) - together) / self.pixels
        return common + small + filled

    def numbers(self) -> Integers:
        """Each first region's number now, without gaps."""
        roots = self.parents[: self.used]
        for number in reversed(range(self.used)):  # parents have higher numbers, and are done
            roots[number] = roots[roots[number]]
        return np.unique(roots[: self.first], return_inverse=True)[1]


def _enlarged(table: np.ndarray, room: int) -> np.ndarray:
    larger = np.zeros((room, *table.shape[1:]), table.dtype)
    larger[: len(table)] = table
    return larger
