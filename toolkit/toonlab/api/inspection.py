"""What a sampler chooses in a picture, from Python, as `toonlab inspect` draws it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from toonlab.errors import PartError, reason
from toonlab.images.canvas import Tile
from toonlab.inference.cartoonizer import Picture, pixels
from toonlab.inference.inspect import Side, critic_view, inspect_image, inspection_sheet, inspection_tiles
from toonlab.ops.levels import to_float
from toonlab.registry.catalogue import Catalogue

from .common import warned_catalogue


@dataclass(frozen=True)
class Inspection:
    """A sampler's choice in a picture.

    Args:
        panels: the picture, its filtered version, the chosen patches on it, and the saliency, as far as the sampler
            gives them.
        patches: as the critic sees them, best first.
        sheet: both as one picture, as `toonlab inspect` writes it.
        about: the sampler and the representation with their parameters.
    """

    panels: Sequence[Tile]
    patches: Sequence[Tile]
    sheet: Image.Image
    about: str


def inspect_picture(
    picture: Picture,
    recipe: str | os.PathLike[str] = "ctss",
    *,
    sampler: str | None = None,
    critic: str | None = None,
    side: Side = "real",
    max_side: int | None = 512,
    title: str = "",
    catalogue: Catalogue | None = None,
    **parameters: Any,
) -> Inspection:
    """Where a recipe's patch critic looks in a picture, and why.

        toonlab.inspect_picture("photo.jpg", sampler="saliency_nms", patch_size=64, k=2).sheet

    Args:
        picture: a path, a PIL image, or an `(H, W, 3)` uint8 RGB array.
        recipe: a name that `toonlab recipes` lists, or a path, such as a run's `recipe.yaml`.
        sampler: the name of one to use in place of the recipe's.
        critic: by default the recipe's first that has a sampler.
        side: what the picture counts as: `real` or `fake`.
        max_side: a picture whose longer side is longer is scaled down to it.
        title: of the sheet.
        catalogue: of `toonlab.discover()`; found if not given.
        parameters: of the sampler.

    Raises:
        ToonlabError: if there is no such recipe, critic or sampler, it does not take the parameters, or it can choose
            no patches in this picture.
    """
    view = critic_view(catalogue or warned_catalogue(), os.fspath(recipe), critic, sampler, None, parameters)
    image = pixels(picture, max_side)
    try:
        found = inspect_image(view, to_float(image), side)
    except Exception as error:  # a plugin's sampler may raise anything
        raise PartError(reason(error)) from error
    size = "x".join(map(str, reversed(image.shape[1:])))
    sheet = inspection_sheet(found, f"{title}  {size}".strip(), f"{view.about} · as {side}")
    return Inspection(*inspection_tiles(found), sheet, view.about)
