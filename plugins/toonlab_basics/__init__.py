"""Parts that every method can use: objectives, losses, feature extractors, samplers, representations, folders."""

from collections.abc import Mapping

import toonlab

from .features import VGG16, VGG19, RandomFeatures
from .folder import FolderDataset
from .hard_patches import HardPatches
from .losses import R1, Color, Content, GradientPenalty, Reconstruction, TotalVariation
from .objectives import BCE, LSGAN, Hinge, Wasserstein
from .pictures import Pictures
from .representations import RGB, Grayscale
from .samplers import EdgeMaximum, GridPatches, RandomPatches, Whole


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"pictures": Pictures}


@toonlab.hookimpl
def register_objectives() -> Mapping[str, toonlab.ObjectiveFactory]:
    return {"lsgan": LSGAN, "hinge": Hinge, "bce": BCE, "wasserstein": Wasserstein}


@toonlab.hookimpl
def register_discriminator_losses() -> Mapping[str, toonlab.DiscriminatorLossFactory]:
    return {"gradient_penalty": GradientPenalty, "r1": R1}


@toonlab.hookimpl
def register_generator_losses() -> Mapping[str, toonlab.GeneratorLossFactory]:
    return {"content": Content, "color": Color, "total_variation": TotalVariation, "reconstruction": Reconstruction}


@toonlab.hookimpl
def register_features() -> Mapping[str, toonlab.FeaturesFactory]:
    return {"vgg19": VGG19, "vgg16": VGG16, "random": RandomFeatures}


@toonlab.hookimpl
def register_samplers() -> Mapping[str, toonlab.SamplerFactory]:
    return {
        "whole": Whole,
        "random_patches": RandomPatches,
        "grid_patches": GridPatches,
        "edge_maximum": EdgeMaximum,
        "hard_patches": HardPatches,
    }


@toonlab.hookimpl
def register_representations() -> Mapping[str, toonlab.RepresentationFactory]:
    return {"rgb": RGB, "grayscale": Grayscale}


@toonlab.hookimpl
def register_datasets() -> Mapping[str, toonlab.DatasetFactory]:
    return {"folder": FolderDataset}
