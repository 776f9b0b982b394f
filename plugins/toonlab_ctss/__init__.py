"""CTSS: texture-saliency-adaptive attention (Gao, Zhang and Tian, ICML 2022): sampler, gray patches and networks."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import (
    DiscriminatorFactory,
    GeneratorFactory,
    PostprocessorFactory,
    RepresentationFactory,
    SamplerFactory,
    hookimpl,
)

from .multiscale import CTSSMultiscale
from .networks import ctss_image, ctss_patch, ctss_plain, ctss_unet
from .postprocess import CTSSPostprocessing
from .sampler import CTSS, GrayMinMax
from .variants import SaliencyNMS, SaliencyRandom


@hookimpl
def register_samplers() -> Mapping[str, SamplerFactory]:
    return {
        "ctss": CTSS,
        "saliency_random": SaliencyRandom,
        "saliency_nms": SaliencyNMS,
        "ctss_multiscale": CTSSMultiscale,
    }


@hookimpl
def register_representations() -> Mapping[str, RepresentationFactory]:
    return {"gray_minmax": GrayMinMax}


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"ctss_unet": ctss_unet, "ctss_plain": ctss_plain}


@hookimpl
def register_discriminators() -> Mapping[str, DiscriminatorFactory]:
    return {"ctss_image": ctss_image, "ctss_patch": ctss_patch}


@hookimpl
def register_postprocessors() -> Mapping[str, PostprocessorFactory]:
    return {"ctss": CTSSPostprocessing}
