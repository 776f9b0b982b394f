"""CartoonGAN (Chen, Lai and Liu, CVPR 2018): the edge-promoting loss of its critic, and its two networks."""

from collections.abc import Mapping

import toonlab

from .loss import EdgePromoting
from .networks import CartoonDiscriminator, CartoonGenerator


@toonlab.hookimpl
def register_discriminator_losses() -> Mapping[str, toonlab.DiscriminatorLossFactory]:
    return {"edge_promoting": EdgePromoting}


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"cartoongan": CartoonGenerator}


@toonlab.hookimpl
def register_discriminators() -> Mapping[str, toonlab.DiscriminatorFactory]:
    return {"cartoongan": CartoonDiscriminator}
