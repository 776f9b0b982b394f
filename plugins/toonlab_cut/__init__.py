"""CUT and FastCUT (Park, Efros, Zhang and Zhu, ECCV 2020): a contrastive loss between patches of photo and fake."""

from collections.abc import Mapping

import toonlab

from .losses import PatchNCE


@toonlab.hookimpl
def register_generator_losses() -> Mapping[str, toonlab.GeneratorLossFactory]:
    return {"patch_nce": PatchNCE}
