"""Where samplers look in a photo: the samplers that can be chosen, and their panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from toonlab import Catalogue, Inspection, Tile, ToonlabError, compose, inspect_picture

from .methods import Method

ALL = "all samplers"


@dataclass(frozen=True)
class Look:
    """A sampler that can be chosen.

    Args:
        name: what the page shows.
        recipe: the recipe of the critic.
        critic: its name; None for the recipe's first that has a sampler.
        sampler: its name if it takes the place of the critic's own.
        patch_size: in pixels.
        k: patches in a picture; None if it has no such parameter.
        side: the longer side of the picture that it looks at, in pixels.
    """

    name: str
    recipe: str
    critic: str | None
    sampler: str | None
    patch_size: int
    k: int | None
    side: int

    def inspect(
        self, catalogue: Catalogue, photo: Image.Image, title: str, patch_size: int, k: int, side: int
    ) -> Inspection:
        parameters: dict[str, Any] = {"patch_size": patch_size, **({} if self.k is None else {"k": k})}
        given: dict[str, Any] = {"sampler": self.sampler, "critic": self.critic, "catalogue": catalogue}
        return inspect_picture(photo, self.recipe, max_side=side, title=title, **given, **parameters)


def find_looks(methods: Sequence[Method], catalogue: Catalogue) -> list[Look]:
    """The samplers of the methods as they were trained, then every installed one that chooses patches of a size."""
    found = []
    for method in methods:
        recipe, size = str(method.run.directory / "recipe.yaml"), int(method.run.recipe["train"]["size"])
        for critic, own in method.samplers.items():
            which = f", {critic}" if len(method.samplers) > 1 else ""
            name = f"{method.label}{which}, as trained"
            found.append(Look(name, recipe, critic, None, own["patch_size"], own.get("k"), size))
    for name in catalogue.names("samplers"):
        parameters = catalogue.get("samplers", name).schema.parameters
        if "patch_size" in parameters:
            found.append(Look(name, "ctss", None, name, 64, 4 if "k" in parameters else None, 512))
    return found


def look(
    found: Sequence[Look], catalogue: Catalogue, photo: Image.Image, title: str, patch_size: int, k: int, side: int
) -> tuple[list[Tile], Image.Image]:
    """The tiles of one sampler, or the choices and maps of several, and the sheet.

    Raises:
        ToonlabError: if a single sampler can't choose patches in this picture; of several, its tile is left out.
    """
    if len(found) == 1:
        one = found[0].inspect(catalogue, photo, title, patch_size, k, side)
        return [*one.panels[1:], *one.patches], one.sheet
    mapped, others = list[list[Tile]](), list[Tile]()
    problem: ToonlabError | None = None
    for each in found:
        try:
            panels = each.inspect(catalogue, photo, title, patch_size, k, side).panels
        except ToonlabError as error:
            problem = error
            continue
        chosen = Tile(each.name, next(tile.picture for tile in panels if tile.caption.startswith("chosen")))
        maps = [Tile(f"{each.name}: its map", tile.picture) for tile in panels if tile.caption == "saliency"]
        if maps:
            mapped.append([chosen, *maps])
        else:
            others.append(chosen)
    rows = [*mapped, *([others] if others else [])]
    if problem is not None and not rows:
        raise problem
    return [tile for row in rows for tile in row], compose(title, rows, f"patch_size {patch_size} · k {k}")
