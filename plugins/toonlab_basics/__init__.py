"""Parts that every method can use: objectives, losses, feature extractors, samplers, representations, folders."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import (
    DatasetFactory,
    DiscriminatorLossFactory,
    FeaturesFactory,
    GeneratorFactory,
    GeneratorLossFactory,
    ObjectiveFactory,
    RepresentationFactory,
    SamplerFactory,
    hookimpl,
)

from .folder import FolderDataset
from .hard_patches import HardPatches
from .losses import R1, Color, Content, GradientPenalty, Reconstruction, TotalVariation
from .objectives import BCE, LSGAN, Hinge, Wasserstein
from .pictures import Pictures
from .random_features import RandomFeatures
from .representations import RGB, Grayscale
from .samplers import EdgeMaximum, GridPatches, RandomPatches, Whole
from .vgg import VGG19


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"pictures": Pictures}


@hookimpl
def register_objectives() -> Mapping[str, ObjectiveFactory]:
    return {"lsgan": LSGAN, "hinge": Hinge, "bce": BCE, "wasserstein": Wasserstein}


@hookimpl
def register_discriminator_losses() -> Mapping[str, DiscriminatorLossFactory]:
    return {"gradient_penalty": GradientPenalty, "r1": R1}


@hookimpl
def register_generator_losses() -> Mapping[str, GeneratorLossFactory]:
    return {
        "content": Content,
        "color": Color,
        "total_variation": TotalVariation,
        "reconstruction": Reconstruction,
    }


@hookimpl
def register_features() -> Mapping[str, FeaturesFactory]:
    return {"vgg19": VGG19, "random": RandomFeatures}


@hookimpl
def register_samplers() -> Mapping[str, SamplerFactory]:
    return {
        "whole": Whole,
        "random_patches": RandomPatches,
        "grid_patches": GridPatches,
        "edge_maximum": EdgeMaximum,
        "hard_patches": HardPatches,
    }


@hookimpl
def register_representations() -> Mapping[str, RepresentationFactory]:
    return {"rgb": RGB, "grayscale": Grayscale}


@hookimpl
def register_datasets() -> Mapping[str, DatasetFactory]:
    return {"folder": FolderDataset}
