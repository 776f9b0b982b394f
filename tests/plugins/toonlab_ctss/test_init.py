from __future__ import annotations

import pytest

from toonlab import Catalogue, RecipeError, Tunable


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
