from __future__ import annotations

import pytest

from toonlab import RecipeError, discover
from toonlab.registry.catalogue import Catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("discriminator_losses", "edge_promoting"), ("generators", "cartoongan"), ("discriminators", "cartoongan")],
)
def test_parts_are_offered_and_explain_themselves(catalogue: Catalogue, kind: str, name: str):
    offer = catalogue.get(kind, name)
    assert offer.about
    for parameter in offer.schema.parameters:
        assert f"{parameter}:" in offer.factory.__doc__


@pytest.mark.parametrize(
    ("kind", "name", "parameters"),
    [
        ("discriminator_losses", "edge_promoting", {"exact": "very"}),
        ("generators", "cartoongan", {"width": 0}),
        ("generators", "cartoongan", {"blocks": 0}),
        ("generators", "cartoongan", {"padding": "none"}),
        ("discriminators", "cartoongan", {"in_channels": 3, "width": 0}),
    ],
)
def test_constraints(catalogue: Catalogue, kind: str, name: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make(kind, name, **parameters)
