from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab import RecipeError, discover
from toonlab.registry.catalogue import Catalogue

OFFERED = ["identity", "classic", "mean_shift", "superpixel"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture(scope="module")
def photos(images: Tensor) -> Tensor:
    return images[:2, :, 40:104, 60:140].contiguous()


@pytest.mark.parametrize("name", OFFERED)
def test_generators_are_offered_explain_themselves_and_have_nothing_to_learn(catalogue: Catalogue, name: str):
    offer = catalogue.get("generators", name)
    assert offer.about
    for parameter in offer.schema.parameters:
        assert f"{parameter}:" in offer.factory.__doc__
    assert not list(catalogue.make("generators", name).parameters())


@pytest.mark.parametrize("name", OFFERED)
def test_each_picture_is_drawn_by_itself_and_always_the_same(catalogue: Catalogue, photos: Tensor, name: str):
    generator = catalogue.make("generators", name)
    together = generator(photos)
    assert (together.shape, together.dtype) == (photos.shape, torch.float32)
    assert together.abs().max() <= 1
    alone = torch.cat([generator(photo[None]) for photo in photos])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.parametrize("side", [(1, 1), (1, 9), (5, 3)])
def test_any_size_will_do(catalogue: Catalogue, name: str, side: tuple[int, int]):
    photo = torch.linspace(-1, 1, 3 * side[0] * side[1]).reshape(1, 3, *side)
    assert catalogue.make("generators", name)(photo).shape == photo.shape


def test_identity_changes_nothing(catalogue: Catalogue, photos: Tensor):
    assert torch.equal(catalogue.make("generators", "identity")(photos), photos)


@pytest.mark.parametrize("name", OFFERED[1:])
def test_pictures_are_in_whole_levels(catalogue: Catalogue, photos: Tensor, name: str):
    levels = (catalogue.make("generators", name)(photos) + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("classic", {"colors": 1}),
        ("classic", {"smoothing": 0}),
        ("classic", {"line_threshold": 0}),
        ("mean_shift", {"radius": 0}),
        ("mean_shift", {"levels": 9}),
        ("superpixel", {"method": "watershed"}),
        ("superpixel", {"count": 0}),
        ("identity", {"strength": 1}),
    ],
)
def test_constraints(catalogue: Catalogue, name: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make("generators", name, **parameters)
