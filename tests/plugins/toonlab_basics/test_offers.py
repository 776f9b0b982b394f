from __future__ import annotations

from pathlib import Path

import pytest

from toonlab import RecipeError, Tunable, discover
from toonlab.registry.catalogue import Catalogue

OFFERED = {
    "objectives": {"lsgan", "hinge", "bce", "wasserstein"},
    "discriminator_losses": {"gradient_penalty", "r1"},
    "generator_losses": {"content", "color", "total_variation", "reconstruction"},
    "features": {"vgg19", "random"},
    "samplers": {"whole", "random_patches", "grid_patches", "edge_maximum", "hard_patches"},
    "representations": {"rgb", "grayscale"},
    "datasets": {"folder"},
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.mark.parametrize("kind", OFFERED)
def test_all_parts_are_offered_and_explain_themselves(catalogue: Catalogue, kind: str):
    assert set(catalogue.names(kind)) >= OFFERED[kind]
    for name in OFFERED[kind]:
        offer = catalogue.get(kind, name)
        assert offer.about.endswith(".")
        for parameter in offer.schema.parameters:
            assert f"{parameter}:" in offer.factory.__doc__


@pytest.mark.parametrize(
    ("kind", "name", "parameters"),
    [
        ("objectives", "lsgan", {"critic_scale": 0}),
        ("discriminator_losses", "gradient_penalty", {"mode": "wgan"}),
        ("discriminator_losses", "gradient_penalty", {"target": -1}),
        ("features", "random", {"depth": 7}),
        ("features", "random", {"width": 0}),
        ("features", "vgg19", {"convention": "keras"}),
        ("samplers", "random_patches", {"k": 0}),
        ("samplers", "grid_patches", {"stride": 0}),
        ("samplers", "edge_maximum", {"k": 0}),
        ("samplers", "hard_patches", {"prefer": "easy"}),
        ("representations", "grayscale", {"channels": 2}),
        ("datasets", "folder", {"photos": "a"}),
        ("datasets", "folder", {"photos": "a", "cartoons": "b", "resize": 0}),
        ("datasets", "folder", {"photos": "a", "cartoons": "b", "max_pixels": 10**9}),
    ],
)
def test_constraints(catalogue: Catalogue, kind: str, name: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make(kind, name, **parameters)


def test_what_may_be_searched(catalogue: Catalogue):
    parameters = catalogue.get("samplers", "random_patches").schema.parameters
    assert parameters["patch_size"].tunable == Tunable(16, 128, step=16)
    assert parameters["k"].tunable == Tunable(1, 8)


def test_a_recipe_may_write_paths_as_text(catalogue: Catalogue):
    data = catalogue.make("datasets", "folder", photos="a", cartoons="b", resize=None)
    assert data.photo_folder == Path("a")
