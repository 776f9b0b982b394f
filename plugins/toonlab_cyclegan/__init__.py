"""CycleGAN (Zhu, Park, Isola and Efros, ICCV 2017): its two networks, and the error of its cycles."""

from collections.abc import Mapping

import toonlab

from .metric import ReconstructionError
from .networks import PatchGAN, ResNet


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"resnet": ResNet}


@toonlab.hookimpl
def register_discriminators() -> Mapping[str, toonlab.DiscriminatorFactory]:
    return {"patchgan": PatchGAN}


@toonlab.hookimpl
def register_metrics() -> Mapping[str, toonlab.MetricFactory]:
    return {"reconstruction_error": ReconstructionError}
