from __future__ import annotations

import pytest

from toonlab import Catalogue, RecipeError


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
