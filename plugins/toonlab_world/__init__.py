"""ToonWorld: a procedural world whose scenes are rendered twice, as a soft-lit photo and as a cartoon.

From a key to pictures, by subpackages that import only those above them:

- `scene`: `compose` draws from a key a place (`places`: landscape, waterside, street, interior), a season and an hour,
  and puts `objects` there: shapes with surfaces and forms, in the perspective of `space`, coloured by `palette`.
- `render`: `raster` finds the visible shape of each pixel and its light; `photo` and `cartoon` render both pictures,
  the cartoon in one of `styles`.
- `data`: the dataset, its arrays in the cache, and the processes that fill them. Only `data.dataset` imports torch.
- `command` (`toonlab world`) writes pictures and contact sheets to files.
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
