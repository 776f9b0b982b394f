from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab import PartError, Views
from toonlab.ops.patch_grid import Grid
from toonlab_ctss.sampler import CTSS
from toonlab_ctss.variants import FLOOR, SaliencyNMS, SaliencyRandom

DRAWS = 20_000


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shares(scores: list[float], k: int, temperature: float) -> dict[tuple[int, ...], float]:
    """How often each ordered choice of `k` among four candidates comes."""
    grid = Grid(8, 8, patch_size=4, stride=1.0)
    rows = torch.tensor(scores).expand(DRAWS, -1)
    places = SaliencyRandom(k=k, temperature=temperature).pick(rows, grid, rng()).view(DRAWS, k) % 4
    found, counts = places.unique(dim=0, return_counts=True)
    return {tuple(order): count / DRAWS for order, count in zip(found.tolist(), counts.tolist(), strict=True)}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_are_those_without_replacement_in_proportion_to_weights(temperature: float):
    scores = [4.0, 1.0, 2.0, 0.5]
    weights = [score ** (1 / temperature) for score in scores]
    found = shares(scores, 2, temperature)
    for first, second in permutations(range(4), 2):
        expected = weights[first] / sum(weights) * weights[second] / (sum(weights) - weights[first])
        assert abs(found.get((first, second), 0) - expected) < 5 * math.sqrt(expected / DRAWS)


@pytest.mark.parametrize(
    ("scores", "temperature"), [([0.0] * 4, 1.0), ([0.7, 0.7, 0.7, 0.7], 1e-3), ([9.0, 0.0, 2.0, 1.0], 1e6)]
)
def test_all_are_equally_likely_without_edges_and_towards_infinity(scores: list[float], temperature: float):
    found = shares(scores, 1, temperature)
    assert all(abs(found[(place,)] - 0.25) < 0.02 for place in range(4))


def test_a_candidate_without_edges_comes_last():
    found = shares([3.0, 0.0, 1.0, 2.0], 3, 1.0)
    assert sum(share for order, share in found.items() if 1 in order) < 20 * FLOOR * DRAWS


@given(st.integers(0, 99), st.integers(1, 2), st.integers(30, 40), st.integers(1, 4))
def test_towards_0_it_is_ctss_of_each_image(seed: int, count: int, width: int, k: int):
    images = torch.rand((count, 3, 32, width), generator=rng(seed)) * 2 - 1
    settings = {"patch_size": 12, "k": k, "guided_radius": 1}
    boxes, scores = SaliencyRandom(**settings, temperature=1e-9).choose(images, "stride_real", rng())
    expected_boxes, expected = CTSS(**settings, rank="image").choose(images, "stride_real")
    assert torch.equal(boxes, expected_boxes)
    assert torch.equal(scores, expected)


def test_no_patch_is_drawn_twice_and_all_can_be():
    images = torch.rand((2, 3, 32, 48), generator=rng()) * 2 - 1
    boxes, _ = SaliencyRandom(patch_size=16, k=15).choose(images, "stride_real", rng())
    assert len(boxes.unique(dim=0)) == 30


def test_real_and_fake_and_other_keys_are_drawn_independently():
    images = torch.rand((1, 3, 96, 96), generator=rng()) * 2 - 1
    sampler = SaliencyRandom(patch_size=16, stride_fake=0.5, temperature=5.0)
    generator = rng()
    first, second = (sampler.choose(images, "stride_real", generator)[0] for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(sampler.choose(images, "stride_real", rng())[0], first)
    assert not torch.equal(sampler.choose(images, "stride_real", rng(1))[0], first)


def test_views_without_a_context():
    images: Tensor = torch.zeros(1, 3, 32, 32)
    with pytest.raises(PartError, match="saliency_random: draws random numbers, but these views have no context"):
        SaliencyRandom(patch_size=16)(Views(images, images))


def overlap(one: list[int], other: list[int], size: int) -> float:
    shared = max(0, size - abs(one[0] - other[0])) * max(0, size - abs(one[1] - other[1]))
    return shared / (2 * size**2 - shared)


def reference(scores: list[float], corners: list[list[int]], size: int, k: int, iou: float) -> list[int]:
    """Down the ranking: those that overlap none of the kept too much, then the others."""
    ranking = sorted(range(len(scores)), key=lambda place: -scores[place])
    kept: list[int] = []
    for place in ranking:
        if all(overlap(corners[place], corners[other], size) <= iou for other in kept):
            kept.append(place)
    return [*kept, *(place for place in ranking if place not in kept)][:k]


@st.composite
def cases(draw: st.DrawFn) -> tuple[SaliencyNMS, Grid, Tensor]:
    height, width = draw(st.integers(4, 20)), draw(st.integers(4, 20))
    size, stride = draw(st.integers(1, 4)), draw(st.sampled_from([0.25, 0.5, 0.75, 1.0]))
    grid = Grid(height, width, size, stride)
    rng = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    scores = torch.randint(9, (draw(st.integers(1, 3)), grid.count), generator=rng).float()  # many ties
    k = draw(st.integers(1, min(grid.count, 12)))
    return (
        SaliencyNMS(patch_size=size, k=k, iou=draw(st.sampled_from([0.0, 1 / 7, 0.2, 1 / 3, 0.5, 1.0]))),
        grid,
        scores,
    )


@given(cases())
def test_choice_is_that_of_the_reference(case: tuple[SaliencyNMS, Grid, Tensor]):
    sampler, grid, scores = case
    corners = grid.all_boxes(scores[:1])[:, 1:3].tolist()
    expected = [
        image * grid.count + place
        for image, row in enumerate(scores.tolist())
        for place in reference(row, corners, grid.patch_size, sampler.k, sampler.iou)
    ]
    assert sampler.pick(scores, grid, None).tolist() == expected


def test_patches_overlap_no_more_than_they_may():
    images = torch.rand((2, 3, 96, 128), generator=torch.Generator().manual_seed(0)) * 2 - 1
    for iou in (0.0, 0.1, 0.4):
        boxes, _ = SaliencyNMS(patch_size=24, stride_real=0.125, k=4, iou=iou).choose(images, "stride_real")
        for group in boxes.view(2, 4, 5)[..., 1:3].tolist():
            assert all(overlap(a, b, 24) <= iou for a in group for b in group if a is not b)
    boxes, _ = CTSS(patch_size=24, stride_real=0.125, k=4, rank="image").choose(images, "stride_real")
    group = boxes[:4, 1:3].tolist()
    assert (
        max(overlap(a, b, 24) for a in group for b in group if a is not b) > 0.5
    )  # without it they are nearly the same


def test_where_too_few_are_left_the_best_suppressed_fill_up():
    edges = torch.zeros(1, 8, 16)
    edges[..., 7] = 1
    boxes, scores = SaliencyNMS(patch_size=8, stride_real=0.25, k=4, iou=0.0).best(edges, "stride_real")
    assert boxes[:, 2].tolist() == [0, 8, 2, 4]  # 0 and 8 do not overlap; 2, 4 and 6 do, with the same score as 0
    assert scores.tolist() == [8, 0, 8, 8]


def test_with_an_overlap_of_1_it_is_ctss_of_each_image():
    images = torch.rand((2, 3, 48, 64), generator=torch.Generator().manual_seed(0)) * 2 - 1
    settings = {"patch_size": 16, "k": 5}
    boxes, scores = SaliencyNMS(**settings, iou=1.0).choose(images, "stride_fake")
    expected_boxes, expected = CTSS(**settings, rank="image").choose(images, "stride_fake")
    assert torch.equal(boxes, expected_boxes)
    assert torch.equal(scores, expected)
