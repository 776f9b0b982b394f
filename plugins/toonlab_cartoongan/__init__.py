"""CartoonGAN (Chen, Lai and Liu, CVPR 2018): the edge-promoting loss of its critic, and its two networks."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import DiscriminatorFactory, DiscriminatorLossFactory, GeneratorFactory, hookimpl

from .loss import EdgePromoting
from .networks import CartoonDiscriminator, CartoonGenerator


@hookimpl
def register_discriminator_losses() -> Mapping[str, DiscriminatorLossFactory]:
    return {"edge_promoting": EdgePromoting}


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"cartoongan": CartoonGenerator}


@hookimpl
def register_discriminators() -> Mapping[str, DiscriminatorFactory]:
    return {"cartoongan": CartoonDiscriminator}
