"""pix2pix (Isola, Zhu, Zhou and Efros, CVPR 2017): its generator, and the view of its conditional critic."""

from collections.abc import Mapping

import toonlab

from .networks import UNet
from .representation import WithPhoto


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"unet": UNet}


@toonlab.hookimpl
def register_representations() -> Mapping[str, toonlab.RepresentationFactory]:
    return {"with_photo": WithPhoto}
