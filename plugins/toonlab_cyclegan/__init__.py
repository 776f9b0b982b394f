"""CycleGAN (Zhu, Park, Isola and Efros, ICCV 2017): its two networks; streams give it its cycles."""

from collections.abc import Mapping

import toonlab

from .networks import PatchGAN, ResNet


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"resnet": ResNet}


@toonlab.hookimpl
def register_discriminators() -> Mapping[str, toonlab.DiscriminatorFactory]:
    return {"patchgan": PatchGAN}
