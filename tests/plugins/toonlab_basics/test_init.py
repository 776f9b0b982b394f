from __future__ import annotations

from pathlib import Path

import pytest

from toonlab import Catalogue, RecipeError, Tunable


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
    assert data.folders["photos"] == Path("a")
