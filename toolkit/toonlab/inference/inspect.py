"""Draw the patches that a sampler chooses in pictures, the saliency behind it, and the critic's view of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image
from torch import Tensor

from toonlab.engine.part_builder import views_alone
from toonlab.errors import ToonlabError, nearest, reason
from toonlab.images import canvas
from toonlab.images.canvas import Tile
from toonlab.images.files import PictureResult, PictureTask, decode_task, split_readable, write_result
from toonlab.images.folders import MAX_PIXELS
from toonlab.images.patch_panels import PatchPanels, panel_tiles, patch_panels, patch_tiles
from toonlab.ops.levels import to_float
from toonlab.recipes.dotted_tree import merge
from toonlab.recipes.load import read
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import ViewTransform
from toonlab.utils import paths, yaml
from toonlab.utils.text import printable

Side = Literal["real", "fake"]
PANEL = 512  # pixels: smaller pictures are enlarged by a whole factor to about this size
PATCH = 192  # pixels: the longer side of a patch on the sheet, approximately


@dataclass(frozen=True)
class CriticView:
    """A critic's sampler and representation; `about` describes both for the caption."""

    sampler: ViewTransform
    representation: ViewTransform | None
    about: str


def critic_view(
    catalogue: Catalogue,
    recipe: str = "ctss",
    critic: str | None = None,
    sampler: str | None = None,
    representation: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> CriticView:
    """The sampler and the representation of a recipe's critic, or replacements for them.

    Args:
        recipe: the name of a recipe that ships with toonlab, or a path; it needs no data.
        critic: by default the recipe's first that names a sampler.
        sampler: YAML of the one to use, or of changes: a name, or `{use: name, parameter: value}`; so `representation`.
        parameters: of the sampler.

    Raises:
        ToonlabError: if a recipe, critic or part does not exist, or a part does not take these parameters.
    """
    found = read(paths.find(recipe, "baselines")).tree.get("critics") or {}
    critics = {name: own for name, own in found.items() if own}
    if critic is not None and critic not in critics:
        raise ToonlabError(f"--critic {critic}: recipe {recipe!r} has no such critic; {nearest(critic, critics)}")
    name = critic or next((name for name, own in critics.items() if own.get("sampler")), None)
    if name is None and sampler is None:
        raise ToonlabError(f"{recipe}: no critic of this recipe names a sampler; name one with --sampler")
    own = critics[name] if name else {}
    parts = {"sampler": _part("sampler", own, sampler), "representation": _part("representation", own, representation)}
    if not parts["sampler"]:
        raise ToonlabError(f"--critic {critic}: sees whole images; name a sampler with --sampler")
    parts = merge(parts, {"sampler": dict(parameters or {})})
    made, about = {}, []
    for key, part in parts.items():
        if part and "use" not in part:
            raise ToonlabError(f"--{key}: the critic has none to change; name one: {{use: …}}")
        if use := part.pop("use", None):
            made[key] = catalogue.make(f"{key}s", str(use), **part)
            values = ", ".join(f"{parameter} {value}" for parameter, value in part.items())
            about.append(f"{key} {use} ({values})" if values else f"{key} {use}")
    return CriticView(made["sampler"], made.get("representation"), " · ".join(about))


def _part(key: str, critic: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """A critic's part as `{use: name, …}` with the changes of an option, or the part that it names; empty if none."""
    given = (yaml.load(text, f"--{key}") if text else None) or {}
    if not isinstance(given, str | dict):
        raise ToonlabError(f"--{key} {text}: expected a name, or {{use: name, parameter: value}}")
    own, given = ({"use": part} if isinstance(part, str) else dict(part or {}) for part in (critic.get(key), given))
    merged: dict[str, Any] = merge({key: own}, {key: given})[key]
    return merged


def inspect_pictures(
    view: CriticView,
    tasks: Sequence[PictureTask],
    side: Side = "real",
    max_side: int | None = 512,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[PictureResult]:
    """Write a sheet for each picture, lazily; each picture is a batch of its own.

    The sampler gets it on that `side` of the views, and larger ones scaled down to a longer side of `max_side` pixels.
    Those with more than `max_pixels` are skipped.
    """
    tasks, skipped = split_readable(tasks, max_side, max_pixels)
    yield from skipped
    for task in tasks:
        picture = decode_task(task, max_side)
        if isinstance(picture, PictureResult):
            yield picture
            continue
        try:
            panels = inspect_image(view, to_float(picture), side)
        except Exception as error:  # a plugin's sampler may raise anything
            yield PictureResult(task, "failed", reason(error))
            continue
        size = "x".join(map(str, reversed(picture.shape[1:])))
        title, note = f"{printable(task.source.name)}  {size}", f"{view.about} · as {side}"
        yield write_result(task, inspection_sheet(panels, title, note))


def inspect_image(view: CriticView, image: Tensor, side: Side) -> PatchPanels:
    """The sampler's choice in one image, `(3, H, W)` in [-1, 1], and the chosen patches after the representation.

    Raises:
        PartError: if the image does not suit the sampler, or the sampler gives no boxes.
    """
    views = views_alone(image, view.sampler, view.representation)
    return patch_panels(image[None], views, side, view.sampler)[0]


def inspection_sheet(panels: PatchPanels, title: str, note: str) -> Image.Image:
    """The sheet of one image: its panels, and below them the patches as the critic sees them."""
    above, below = inspection_tiles(panels)
    rows = [above[i : i + 2] for i in range(0, len(above), 2)]
    width = max(2 * above[0].width + canvas.GAP, 2 * PANEL)
    return canvas.compose(title, [*rows, *_wrapped(below, width)], note)


def inspection_tiles(panels: PatchPanels) -> tuple[list[Tile], list[Tile]]:
    """The tiles of one image: its panels, and its patches."""
    above = panel_tiles(panels, "picture", side=max(PANEL, *panels.image.shape[1:]))
    return above, patch_tiles(panels, PATCH if len(panels.boxes) <= 4 else PATCH // 2)


def _wrapped(tiles: Sequence[Tile], width: int) -> list[list[Tile]]:
    """Rows of tiles, each as wide as fits."""
    rows: list[list[Tile]] = [[]]
    for tile in tiles:
        if rows[-1] and sum(other.width + canvas.GAP for other in rows[-1]) + tile.width > width:
            rows.append([])
        rows[-1].append(tile)
    return rows
