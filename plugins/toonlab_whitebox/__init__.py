"""White-box cartoonization (Wang and Yu, CVPR 2020): surface, structure and texture representations, networks."""

from collections.abc import Mapping

import toonlab

from .networks import WhiteboxDiscriminator, WhiteboxUNet
from .representations import Surface, Texture
from .structure import Structure


@toonlab.hookimpl
def register_representations() -> Mapping[str, toonlab.RepresentationFactory]:
    return {"surface": Surface, "texture": Texture}


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"whitebox_unet": WhiteboxUNet}


@toonlab.hookimpl
def register_discriminators() -> Mapping[str, toonlab.DiscriminatorFactory]:
    return {"whitebox": WhiteboxDiscriminator}


@toonlab.hookimpl
def register_generator_losses() -> Mapping[str, toonlab.GeneratorLossFactory]:
    return {"structure": Structure}
