"""CTSS: texture-saliency-adaptive attention (Gao, Zhang and Tian, ICML 2022): sampler, gray patches and networks."""

from collections.abc import Mapping

import toonlab

from .multiscale import CTSSMultiscale
from .networks import CTSSImage, CTSSPatch, CTSSPlain, CTSSUNet
from .postprocess import CTSSPostprocessing
from .sampler import CTSS, GrayMinMax
from .variants import SaliencyNMS, SaliencyRandom


@toonlab.hookimpl
def register_samplers() -> Mapping[str, toonlab.SamplerFactory]:
    return {
        "ctss": CTSS,
        "saliency_random": SaliencyRandom,
        "saliency_nms": SaliencyNMS,
        "ctss_multiscale": CTSSMultiscale,
    }


@toonlab.hookimpl
def register_representations() -> Mapping[str, toonlab.RepresentationFactory]:
    return {"gray_minmax": GrayMinMax}


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"ctss_unet": CTSSUNet, "ctss_plain": CTSSPlain}


@toonlab.hookimpl
def register_discriminators() -> Mapping[str, toonlab.DiscriminatorFactory]:
    return {"ctss_image": CTSSImage, "ctss_patch": CTSSPatch}


@toonlab.hookimpl
def register_postprocessors() -> Mapping[str, toonlab.PostprocessorFactory]:
    return {"ctss": CTSSPostprocessing}
