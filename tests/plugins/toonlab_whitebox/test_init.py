from __future__ import annotations

import pytest

from toonlab import Catalogue, RecipeError, Tunable


@pytest.mark.parametrize(
    ("kind", "name", "parameters"),
    [
        ("representations", "surface", {"radius": 0}),
        ("representations", "surface", {"eps": 0}),
        ("representations", "texture", {"spread": 0.2}),
        ("generators", "whitebox_unet", {"width": 0}),
        ("generators", "whitebox_unet", {"guided_radius": -1}),
        ("generators", "whitebox_unet", {"guided_eps": 0}),
        ("generators", "whitebox_unet", {"guided_eps_inference": 0}),
        ("discriminators", "whitebox", {"in_channels": 1, "width": 0}),
    ],
)
def test_constraints(catalogue: Catalogue, kind: str, name: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make(kind, name, **parameters)


def test_what_may_be_searched(catalogue: Catalogue):
    parameters = catalogue.get("representations", "surface").schema.parameters
    assert parameters["radius"].tunable == Tunable(1, 10)
    assert parameters["eps"].tunable == Tunable(1e-2, 1, log=True)
