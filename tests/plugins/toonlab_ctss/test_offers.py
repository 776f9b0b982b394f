from __future__ import annotations

import pytest

from toonlab import RecipeError, Tunable, discover
from toonlab.registry.catalogue import Catalogue

OFFERED = [
    ("samplers", "ctss"),
    ("samplers", "saliency_random"),
    ("samplers", "saliency_nms"),
    ("samplers", "ctss_multiscale"),
    ("representations", "gray_minmax"),
    ("generators", "ctss_unet"),
    ("generators", "ctss_plain"),
    ("discriminators", "ctss_image"),
    ("discriminators", "ctss_patch"),
    ("postprocessors", "ctss"),
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.mark.parametrize(("kind", "name"), OFFERED)
def test_parts_are_offered_and_explain_themselves(catalogue: Catalogue, kind: str, name: str):
    offer = catalogue.get(kind, name)
    assert offer.about
    for parameter in offer.schema.parameters:
        assert f"{parameter}:" in offer.factory.__doc__


@pytest.mark.parametrize(
    ("kind", "name", "parameters"),
    [
        ("samplers", "ctss", {"patch_size": 0}),
        ("samplers", "ctss", {"stride_real": 0}),
        ("samplers", "ctss", {"k": 0}),
        ("samplers", "ctss", {"rank": "world"}),
        ("samplers", "ctss", {"normalise": "none"}),
        ("samplers", "ctss", {"guided_radius": -1}),
        ("samplers", "ctss", {"guided_eps": 0}),
        ("samplers", "ctss", {"edge_threshold": 0}),
        ("samplers", "ctss", {"score": "mean"}),
        ("samplers", "saliency_random", {"temperature": 0}),
        ("samplers", "saliency_random", {"rank": "image"}),
        ("samplers", "saliency_nms", {"iou": 1.1}),
        ("samplers", "ctss_multiscale", {"scales": []}),
        ("samplers", "ctss_multiscale", {"scales": [1, 0]}),
        ("generators", "ctss_unet", {"width": 0}),
        ("discriminators", "ctss_patch", {"in_channels": 1, "width": 0}),
        ("postprocessors", "ctss", {"style": "wind"}),
    ],
)
def test_constraints(catalogue: Catalogue, kind: str, name: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make(kind, name, **parameters)


def test_what_may_be_searched(catalogue: Catalogue):
    parameters = catalogue.get("samplers", "ctss").schema.parameters
    assert parameters["patch_size"].tunable == Tunable(16, 128, step=8)
    assert parameters["k"].tunable == Tunable(1, 16)
