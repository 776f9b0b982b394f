"""AnimeGAN (Chen, Liu and Chen, ISICA 2019): Gram loss, gray and smooth suppression, networks."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import DiscriminatorFactory, DiscriminatorLossFactory, GeneratorFactory, GeneratorLossFactory, hookimpl

from .losses import Gram, GraySuppression, SmoothSuppression
from .networks import AnimeGANDiscriminator, AnimeGANGenerator


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"animegan": AnimeGANGenerator}


@hookimpl
def register_discriminators() -> Mapping[str, DiscriminatorFactory]:
    return {"animegan": AnimeGANDiscriminator}


@hookimpl
def register_generator_losses() -> Mapping[str, GeneratorLossFactory]:
    return {"gram": Gram}


@hookimpl
def register_discriminator_losses() -> Mapping[str, DiscriminatorLossFactory]:
    return {"gray_suppression": GraySuppression, "smooth_suppression": SmoothSuppression}
