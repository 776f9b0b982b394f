"""White-box cartoonization (Wang and Yu, CVPR 2020): surface, structure and texture representations, networks."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import DiscriminatorFactory, GeneratorFactory, GeneratorLossFactory, RepresentationFactory, hookimpl

from .networks import WhiteboxDiscriminator, WhiteboxUNet
from .representations import Surface, Texture
from .structure import Structure


@hookimpl
def register_representations() -> Mapping[str, RepresentationFactory]:
    return {"surface": Surface, "texture": Texture}


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"whitebox_unet": WhiteboxUNet}


@hookimpl
def register_discriminators() -> Mapping[str, DiscriminatorFactory]:
    return {"whitebox": WhiteboxDiscriminator}


@hookimpl
def register_generator_losses() -> Mapping[str, GeneratorLossFactory]:
    return {"structure": Structure}
