"""AnimeGAN (Chen, Liu and Chen, ISICA 2019) and AnimeGANv2: Gram loss, gray and smooth suppression, networks."""

from collections.abc import Mapping

import toonlab

from .losses import Gram, GraySuppression, SmoothSuppression
from .networks import AnimeGANDiscriminator, AnimeGANGenerator, AnimeGANv2Generator


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"animegan": AnimeGANGenerator, "animegan_v2": AnimeGANv2Generator}


@toonlab.hookimpl
def register_discriminators() -> Mapping[str, toonlab.DiscriminatorFactory]:
    return {"animegan": AnimeGANDiscriminator}


@toonlab.hookimpl
def register_generator_losses() -> Mapping[str, toonlab.GeneratorLossFactory]:
    return {"gram": Gram}


@toonlab.hookimpl
def register_discriminator_losses() -> Mapping[str, toonlab.DiscriminatorLossFactory]:
    return {"gray_suppression": GraySuppression, "smooth_suppression": SmoothSuppression}
