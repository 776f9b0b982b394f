"""The parts of the plugins that ship with toonlab: their names, and their documentation."""

from __future__ import annotations

import inspect

import pytest

from toonlab import Catalogue, discover
from toonlab.registry.catalogue import Offer

PARTS = {
    "samplers": {
        *("whole", "random_patches", "grid_patches", "edge_maximum", "hard_patches"),
        *("ctss", "saliency_random", "saliency_nms", "ctss_multiscale"),
    },
    "representations": {"rgb", "grayscale", "gray_minmax", "surface", "texture", "with_photo"},
    "generators": {
        *("ctss_unet", "ctss_plain", "cartoongan", "animegan", "animegan_v2", "whitebox_unet", "resnet", "unet"),
        *("pictures", "onnx", "identity", "canny", "dots", "classic", "mean_shift", "superpixel"),
    },
    "discriminators": {"ctss_image", "ctss_patch", "cartoongan", "animegan", "whitebox", "patchgan"},
    "objectives": {"lsgan", "hinge", "bce", "wasserstein"},
    "discriminator_losses": {
        *("gradient_penalty", "r1", "edge_promoting", "gray_suppression", "smooth_suppression"),
    },
    "generator_losses": {
        "content",
        "color",
        "total_variation",
        "reconstruction",
        "gram",
        "structure",
        "gatys",
        "mmd",
        "mrf",
        "contextual",
        "relaxed_emd",
        "patch_nce",
    },
    "features": {"vgg19", "vgg16", "random", "efficientnet_lite0"},
    "datasets": {"folder", "evaluation_folders", "toonworld"},
    "metrics": {
        *(
            "lines",
            "surfaces",
            "colours",
            "outline_f1",
            "flat_color_error",
            "residual_texture",
            "psnr",
            "ssim",
            "ms_ssim",
        ),
        *(
            "kid",
            "fid",
            "kid_lite0",
            "fd_dinov2",
            "kid_clip",
            "precision_recall",
            "kid_random",
            "swd",
            "edge_sharpness",
            "flatness",
            "content_edges",
            "content_ssim",
            "reconstruction_error",
        ),
    },
    "postprocessors": {"ctss"},
    "observers": {"mlflow", "progress"},
    "executors": {"dask", "local"},
}
OFFERS = [offer for offers in discover().offers.values() for offer in offers.values()]
OWN = [offer for offer in OFFERS if offer.distribution.startswith("toonlab ")]


@pytest.mark.parametrize("kind", PARTS)
def test_all_parts_are_there(catalogue: Catalogue, kind: str) -> None:
    assert set(PARTS) == set(catalogue.offers)
    assert {offer.name for offer in OWN if offer.kind == kind} == PARTS[kind]


@pytest.mark.parametrize("offer", OWN, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_a_part_and_each_of_its_parameters_is_described(offer: Offer) -> None:
    assert offer.about.endswith(".")
    assert [name for name in offer.schema.parameters if f"\n        {name}: " not in described(offer.factory)] == []


def described(factory: object) -> str:
    """The docstrings of a part and of the classes of toonlab's plugins that it inherits parameters from."""
    bases = inspect.getmro(factory) if inspect.isclass(factory) else (factory,)
    return "\n".join(base.__doc__ or "" for base in bases if base.__module__.startswith("toonlab"))
