"""The regions of White-box's adaptive colouring: Felzenszwalb's, merged by similarity as in selective search.

Computed with numpy, scipy and scikit-image, one picture at a time, for background threads.
"""

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from .regions import Integers, Reals, Regions, describe


def adaptive(
    image: NDArray[np.float32], scale: float = 10.0, sigma: float = 0.8, min_size: int = 100, regions: int = 90
) -> Integers:
    """Segment a picture: `(H, W, 3)` RGB in [-1, 1] -> `(H, W)` int64, regions numbered from 0.

    Wang and Yu, CVPR 2020, section 3.2: Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation",
    IJCV 2004, by scikit-image; then the grouping of Uijlings et al., "Selective Search", IJCV 2013, until no more than
    `regions` are left.

    Args:
        scale: larger gives larger segments.
        sigma: of the Gaussian blur before segmenting, in pixels.
        min_size: pixels of the smallest segment.
    """
    from skimage.segmentation import felzenszwalb

    labels = felzenszwalb(image, scale, sigma, min_size)  # on values in [-1, 1], as in the authors' code
    if int(labels.max()) < regions:
        return labels
    return merge(describe(image, labels), regions)[labels]


def merge(regions: Regions, keep: int) -> Integers:
    """Merge the two most alike neighbours until `keep` regions are left: `(R,)`, each region's new number from 0.

    Uijlings et al., "Selective Search for Object Recognition", IJCV 2013, algorithm 1, with the sum of all four
    similarities. The most similar pair comes from a heap, which keeps pairs of merged regions until they come up; n
    merges of a graph with E edges take O((n + E) log E). Among equally similar pairs the one with the lower numbers
    comes first. Only adjacent regions are merged, so that a disconnected picture may keep more than `keep`.
    """
    graph = _Graph(regions, keep)
    alike = graph.alike(regions.pairs[:, 0], regions.pairs[:, 1]).tolist()
    heap = [(-similarity, one, other) for similarity, (one, other) in zip(alike, regions.pairs.tolist(), strict=True)]
    heapify(heap)
    left = len(regions.sizes)
    while left > keep and heap:
        _, one, other = heappop(heap)
        if graph.parents[one] == one and graph.parents[other] == other:  # neither is merged yet
            new, left = graph.join(one, other), left - 1
            neighbours = sorted(graph.neighbours[new])
            for neighbour, similarity in zip(neighbours, graph.alike([new], neighbours).tolist(), strict=True):
                heappush(heap, (-similarity, neighbour, new))
    return graph.roots(len(regions.sizes))


class _Graph:
    """The adjacency graph of regions; a merged region gets the next number, and is the parent of its two parts."""

    def __init__(self, regions: Regions, keep: int) -> None:
        count = len(regions.sizes)
        self.histograms, self.sizes, self.boxes = (
            np.concatenate([table, np.zeros((max(0, count - keep), *table.shape[1:]), table.dtype)])
            for table in (regions.histograms, regions.sizes, regions.boxes)
        )
        self.pixels = regions.pixels
        self.parents = list(range(count))  # a region that is not merged is its own
        self.neighbours: list[set[int]] = [set() for _ in range(count)]
        for one, other in regions.pairs.tolist():
            self.neighbours[one].add(other)
            self.neighbours[other].add(one)

    def join(self, one: int, other: int) -> int:
        """Merge two regions; the number of the new one."""
        new, both = len(self.parents), [one, other]
        sizes = self.sizes[both]
        self.sizes[new] = sizes.sum()
        self.histograms[new] = sizes @ self.histograms[both] / sizes.sum()
        self.boxes[new, :2], self.boxes[new, 2:] = self.boxes[both, :2].min(0), self.boxes[both, 2:].max(0)
        around = (self.neighbours[one] | self.neighbours[other]) - {one, other}
        for neighbour in around:
            self.neighbours[neighbour] -= {one, other}
            self.neighbours[neighbour].add(new)
        self.neighbours.append(around)
        self.parents[one] = self.parents[other] = new
        self.parents.append(new)
        return new

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

    def roots(self, count: int) -> Integers:
        """What the first `count` regions belong to now, numbered without gaps: `(count,)`."""
        roots = self.parents.copy()
        for number in reversed(range(len(roots))):  # parents have higher numbers, and are done
            roots[number] = roots[roots[number]]
        return np.unique(roots[:count], return_inverse=True)[1]
