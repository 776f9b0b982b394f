"""ToonWorld: a procedural world whose scenes are rendered twice, as a soft-lit photo and as a cartoon.

From a key to pictures: `compose` makes a `scene` of shapes (`terrain`, `nature`, `buildings`, `props`, coloured by
`palette`), `raster` finds what is seen at each pixel, `photo` and `cartoon` render it. `dataset` offers the pictures to
train on, from `shards` in the cache; `command` writes them to files. Only `dataset` imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toonlab import hookimpl

if TYPE_CHECKING:
    from toonlab import DatasetFactory


@hookimpl
def register_datasets() -> Mapping[str, DatasetFactory]:
    from .dataset import ToonWorld

    return {"toonworld": ToonWorld}
