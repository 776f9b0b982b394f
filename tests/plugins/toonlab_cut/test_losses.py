"""PatchNCE against the paper's formulas, written out with loops in float64, in value, gradient and places."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from toonlab import Batch, Features, PartError, Step, Views, rng
from toonlab.testing import GeneratorLossTests
from toonlab.testing.frame import failures
from toonlab_ctss import CTSS
from toonlab_cut import register_generator_losses
from toonlab_cut.losses import PatchNCE

LAYERS = [0, 1, 2]
SIZES = [(8, 16), (4, 8), (2, 4)]


def encode(images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
    """The images, and features of every other pixel and of every fourth."""
    found = (images, (images * images.roll(1, 1))[:, :2, ::2, ::2], images.roll(2, 3)[:, :, ::4, ::4])
    return tuple(found[layer] for layer in layers)


def channels_at(layers: Sequence[int]) -> list[int]:
    return [(3, 2, 3)[layer] for layer in layers]


def images(seed: int) -> Tensor:
    return torch.rand(2, 3, 8, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def step(fake: Tensor, number: int = 3) -> Step:
    batch, streams = Batch(images(1), images(2)), {"identity": images(4)}
    return Step(batch, fake, {}, {}, Features(nn.Identity()), rng(0, number), streams, number, encode)


def made(**parameters: Any) -> PatchNCE:
    torch.manual_seed(0)
    loss = PatchNCE(channels_at, **{"layers": LAYERS, "patches": 6, "width": 4, **parameters}).double()
    for parameter in loss.parameters():
        nn.init.normal_(parameter)
    return loss


def embedded(head: Any, feature: Tensor) -> Tensor:
    out = head[2].weight @ (head[0].weight @ feature + head[0].bias).clamp_min(0) + head[2].bias
    return out / out.norm()


def of_layer(head: Any, query: Tensor, key: Tensor, places: Tensor, temperature: float) -> Tensor:
    """Eq. 3 and 4 for one image's features, `(C, h, w)`, at `(P, 2)` rows and columns; no place is its own rival."""
    seen, terms = [tuple(map(int, place)) for place in places], []
    keys = {(y, x): embedded(head, key[:, y, x]).detach() for y, x in seen}
    for y, x in seen:
        v = embedded(head, query[:, y, x])
        own = torch.exp(v @ keys[y, x] / temperature)
        rivals = [torch.exp(v @ keys[other] / temperature) for other in seen if other != (y, x)]
        terms.append(-torch.log(own / (own + sum(rivals))))
    return torch.stack(terms).mean()


def reference(loss: PatchNCE, queries: Sequence[Tensor], keys: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
    """Eq. 5; the mean over layers. `places` are `(B, P, 2)` for each of them."""
    found = [
        of_layer(head, query[i], key[i], place[i], loss.temperature)
        for head, query, key, place in zip(loss.heads, queries, keys, places, strict=True)
        for i in range(len(query))
    ]
    return torch.stack(found).mean()


def random_places(sizes: Sequence[tuple[int, int]], draws: torch.Generator) -> list[Tensor]:
    chosen = [(torch.randperm(height * width, generator=draws)[:6], width) for height, width in sizes]
    return [torch.stack([flat // width, flat % width], 1).expand(2, -1, -1) for flat, width in chosen]


def assert_same(loss: PatchNCE, value: Tensor, expected: Tensor, fake: Tensor) -> None:
    torch.testing.assert_close(value, expected)
    leaves = [fake, *loss.parameters()]
    for one, other in zip(torch.autograd.grad(value, leaves), torch.autograd.grad(expected, leaves), strict=True):
        torch.testing.assert_close(one, other)
        assert one.any()


def test_random_places() -> None:
    loss, fake = made(), images(3).requires_grad_()
    given = step(fake)
    expected = reference(loss, encode(fake, LAYERS), encode(given.batch.photo, LAYERS), random_places(SIZES, rng(0, 3)))
    assert_same(loss, loss(given), expected, fake)


def test_an_identity_gives_the_mean_of_both() -> None:
    loss, fake = made(identity="identity"), images(3).requires_grad_()
    given, draws = step(fake), rng(0, 3)
    pairs = [(fake, given.batch.photo), (given.streams["identity"], given.batch.cartoon)]
    both = [reference(loss, encode(of, LAYERS), encode(to, LAYERS), random_places(SIZES, draws)) for of, to in pairs]
    assert_same(loss, loss(given), (both[0] + both[1]) / 2, fake)


def test_half_the_steps_compare_with_the_mirrored_photo() -> None:
    loss, fake, mirrored = made(flip=True, layers=[2]), images(3), 0
    for number in range(40):
        given, draws = step(fake, number), rng(0, number)
        flips = random.Random(draws.initial_seed()).random() < 0.5
        (key,) = encode(given.batch.photo.flip(3) if flips else given.batch.photo, [2])
        key = key.flip(3) if flips else key
        expected = reference(loss, encode(fake, [2]), [key], random_places(SIZES[2:], draws))
        torch.testing.assert_close(loss(given), expected)
        mirrored += flips
    assert 10 < mirrored < 30


class Boxes:
    """Two boxes of 4x4 in each image."""

    corners = (((4, 12), (0, 4)), ((0, 0), (4, 8)))

    def __call__(self, views: Views) -> Views:
        assert views.context is not None
        assert views.context.photo is views.fake
        boxes = [[image, *self.corners[image][box], 4, 4] for box in range(2) for image in (1, 0)]
        return replace(views, fake_boxes=torch.tensor(boxes))


def test_places_in_the_boxes_of_a_sampler() -> None:
    loss, fake = made(sampler=Boxes()), images(3).requires_grad_()
    given = step(fake)
    draws = torch.rand(3, 6, generator=rng(0, 3)).T.tolist()
    corner = [[Boxes.corners[image][int(box * 2)] for box, _, _ in draws] for image in range(2)]
    places = [
        torch.tensor(
            [
                [
                    [int((top + y * 4) / 8 * height), int((left + x * 4) / 16 * width)]
                    for (top, left), (_, y, x) in zip(corner[image], draws, strict=True)
                ]
                for image in range(2)
            ]
        )
        for height, width in SIZES
    ]
    assert any(len(set(map(tuple, image.tolist()))) < 6 for image in places[2])  # a place that is drawn twice
    expected = reference(loss, encode(fake, LAYERS), encode(given.batch.photo, LAYERS), places)
    assert_same(loss, loss(given), expected, fake)


def test_a_sampler_of_a_critic_serves_it() -> None:
    value = made(sampler=CTSS(patch_size=4, k=2, rank="image"), layers=[1])(step(images(3).requires_grad_()))
    assert value.requires_grad
    assert math.isfinite(value.detach())


def asking(views: Views) -> Views:
    assert views.context is not None
    views.context.score_patches(views)
    return views


def uneven(views: Views) -> Views:
    return replace(views, fake_boxes=torch.tensor([[0, 0, 0, 4, 4]] * 3))


@pytest.mark.parametrize(
    ("sampler", "text"),
    [(lambda views: views, "chooses no boxes"), (uneven, "3 boxes for 2 images"), (asking, "asks a critic")],
)
def test_samplers_that_can_not_serve_it(sampler: Any, text: str) -> None:
    with pytest.raises(PartError, match=text):
        made(sampler=sampler)(step(images(3)))


def test_a_fake_that_is_its_photo_is_found_best() -> None:
    loss = made(layers=[0], temperature=0.01)
    assert loss(step(images(1))) < 0.5 < 1 < loss(step(images(3)))


@pytest.mark.parametrize("parameters", [{}, {"flip": True, "layers": [0, 1], "patches": 16}])
def test_the_kit_has_no_objection(parameters: dict[str, Any]) -> None:
    assert failures(GeneratorLossTests, PatchNCE, {"patches": 16, "width": 8, **parameters}) == {}


def test_it_is_offered() -> None:
    assert register_generator_losses() == {"patch_nce": PatchNCE}
