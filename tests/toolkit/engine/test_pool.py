"""A pool gives new fakes and earlier ones, and is the same again after a restart."""

from __future__ import annotations

import torch
from torch import Tensor

from toonlab.engine.pool import ImagePool
from toonlab.utils.rng import rng


def numbered(first: int, count: int = 2) -> Tensor:
    return torch.arange(first, first + count).float().view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def values(images: Tensor) -> list[int]:
    return [int(image.mean()) for image in images]


def test_what_goes_in_comes_out_until_the_pool_is_full() -> None:
    pool = ImagePool(4)
    assert [values(pool(numbered(2 * step), rng(0, step))) for step in range(2)] == [[0, 1], [2, 3]]


def test_from_then_on_half_are_earlier_ones_each_given_once() -> None:
    pool = ImagePool(10)
    given = [value for step in range(500) for value in values(pool(numbered(2 * step), rng(0, step)))]
    late = given[10:]
    earlier = [value for place, value in enumerate(late, 10) if value < place - place % 2]
    assert 0.42 < len(earlier) / len(late) < 0.58
    assert len(set(late) - set(range(10))) == len([value for value in late if value >= 10])


def test_images_in_the_pool_are_copies_without_a_graph() -> None:
    pool, images = ImagePool(2), numbered(1).clone().requires_grad_()
    assert not pool(images, rng(0)).requires_grad
    with torch.no_grad():
        images.zero_()
    assert [int(image.mean()) for image in pool.images] == [1, 2]


def test_a_state_goes_on_as_if_nothing_had_happened() -> None:
    pool, other = ImagePool(3), ImagePool(3)
    other.load_state_dict(pool.state_dict())
    for step in range(6):
        pool(numbered(2 * step), rng(0, step))
    other.load_state_dict(pool.state_dict())
    for step in range(6, 12):
        assert values(pool(numbered(2 * step), rng(0, step))) == values(other(numbered(2 * step), rng(0, step)))
