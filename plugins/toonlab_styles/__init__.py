"""Style losses of the literature around CTSS: distances between the features of fakes and of cartoons."""

from collections.abc import Mapping

import toonlab

from .losses import MMD, MRF, Contextual, Gatys, RelaxedEMD


@toonlab.hookimpl
def register_generator_losses() -> Mapping[str, toonlab.GeneratorLossFactory]:
    return {"gatys": Gatys, "mmd": MMD, "mrf": MRF, "contextual": Contextual, "relaxed_emd": RelaxedEMD}
