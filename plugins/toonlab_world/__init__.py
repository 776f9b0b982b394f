"""ToonWorld: a procedural world whose scenes are rendered twice, as a soft-lit photo and as a cartoon.

From a key to pictures: `compose` chooses a kind of place (`landscape`, `waterside`, `street`, `interior`) and makes a
`scene` of shapes: ground from `terrain`, `roads`, things from `nature`, `buildings`, `facades`, `props`, `vehicles`,
`furniture`, `figures`, coloured by `palette`, in the perspective of `space`. `raster` finds what is seen at each pixel
and how the light of its form (`forms`, `fields`) falls on it; `photo` and `cartoon` render it. `dataset` offers the
pictures to train on, from `shards` in the cache; `command` writes them to files, `gallery` those of the documentation.
Only `dataset` imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toonlab import hookimpl

if TYPE_CHECKING:
    from toonlab import DatasetFactory


@hookimpl
def register_datasets() -> Mapping[str, DatasetFactory]:
    from .data.dataset import ToonWorld

    return {"toonworld": ToonWorld}
