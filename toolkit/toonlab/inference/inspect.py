"""Draw the patches that a sampler chooses in pictures, the saliency behind it, and the critic's view of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image
from torch import Tensor

from toonlab.engine.part_builder import views_alone
from toonlab.errors import ToonlabError, nearest, reason
from toonlab.images import canvas
from toonlab.images.canvas import Tile
from toonlab.images.files import PictureResult, PictureTask, decode_task, split_readable
from toonlab.images.io import save_png
from toonlab.images.patch_panels import PatchPanels, panel_tiles, patch_panels, patch_tiles
from toonlab.ops.levels import to_float
from toonlab.recipes.dotted_tree import merge
from toonlab.recipes.load import read
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import ViewTransform
from toonlab.utils import paths, yaml

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
        catalogue: to build from.
        recipe: the name of a recipe that ships with toonlab, or a path; it needs no data.
        critic: of the recipe; by default the first critic that names a sampler.
        sampler: replaces the critic's; a name, or `{use: name, parameter: value}`.
        representation: likewise.
        parameters: of the sampler.

    Raises:
        ToonlabError: if a recipe, critic or part does not exist, or a part does not take these parameters.
    """
    given = {"sampler": _part("--sampler", sampler), "representation": _part("--representation", representation)}
    spec = merge(_critic(recipe, critic, sampler_given=sampler is not None), {k: v for k, v in given.items() if v})
    if "sampler" not in spec:
        raise ToonlabError(f"--critic {critic}: sees whole images; name a sampler with --sampler")
    spec = merge(spec, {"sampler": dict(parameters or {})})
    made = {key: _made(catalogue, f"{key}s", spec[key]) for key in given if key in spec}
    about = " · ".join(f"{key} {_text(spec[key])}" for key in made)
    return CriticView(made["sampler"], made.get("representation"), about)


def _critic(recipe: str, name: str | None, sampler_given: bool) -> dict[str, Any]:
    """Sampler and representation of a critic, as `{use: name, …}` each, as far as it names them."""
    critics = {
        key: critic
        for key, critic in (read(paths.find(recipe, "baselines")).tree.get("critics") or {}).items()
        if critic
    }
    if name is None:
        name = next((key for key, critic in critics.items() if critic.get("sampler")), None)
        if name is None and not sampler_given:
            raise ToonlabError(f"{recipe}: no critic of this recipe names a sampler; name one with --sampler")
    elif name not in critics:
        raise ToonlabError(f"--critic {name}: recipe {recipe!r} has no such critic; {nearest(name, critics)}")
    critic = critics[name] if name else {}
    parts = {key: critic[key] for key in ("sampler", "representation") if critic.get(key)}
    return {key: {"use": part} if isinstance(part, str) else dict(part) for key, part in parts.items()}


def _part(option: str, text: str | None) -> dict[str, Any] | None:
    part = yaml.load(text, option) if text else None
    if part is None or isinstance(part, str):
        return {"use": part} if part else None
    if not isinstance(part, dict):
        raise ToonlabError(f"{option} {text}: expected a name, or {{use: name, parameter: value}}")
    return part


def _made(catalogue: Catalogue, kind: str, spec: Mapping[str, Any]) -> Any:
    parameters = dict(spec)
    if "use" not in parameters:
        raise ToonlabError(f"--{kind.removesuffix('s')}: the critic has none to change; name one: {{use: …}}")
    return catalogue.make(kind, str(parameters.pop("use")), **parameters)


def _text(spec: Mapping[str, Any]) -> str:
    values = ", ".join(f"{key} {value}" for key, value in spec.items() if key != "use")
    return f"{spec['use']} ({values})" if values else str(spec["use"])


def inspect_pictures(
    view: CriticView, tasks: Sequence[PictureTask], side: Side = "real", max_side: int | None = 512
) -> Iterator[PictureResult]:
    """Write a sheet for each picture, lazily; each picture is a batch of its own.

    Args:
        view: sampler and representation.
        tasks: the files to read and to write, from `toonlab.images.files.plan_tasks`.
        side: the side of the views on which the sampler gets the pictures: `real` or `fake`.
        max_side: larger pictures are scaled down, so that their longer side has this many pixels.
    """
    tasks, skipped = split_readable(tasks)
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
        save_png(task.target, inspection_sheet(panels, f"{task.source.name}  {size}", f"{view.about} · as {side}"))
        yield PictureResult(task)


def inspect_image(view: CriticView, image: Tensor, side: Side) -> PatchPanels:
    """The sampler's choice in one image, `(3, H, W)` in [-1, 1], and the chosen patches after the representation.

    Raises:
        PartError: if the image does not suit the sampler, or the sampler gives no boxes.
    """
    views = views_alone(image, view.sampler, view.representation)
    return patch_panels(image[None], views, side, view.sampler)[0]


def inspection_sheet(panels: PatchPanels, title: str, note: str) -> Image.Image:
    """The sheet of one image: its panels, and below them the patches as the critic sees them."""
    above = panel_tiles(panels, "picture", side=max(PANEL, *panels.image.shape[1:]))
    rows = [above[i : i + 2] for i in range(0, len(above), 2)]
    width = max(2 * above[0].width + canvas.GAP, 2 * PANEL)
    below = patch_tiles(panels, PATCH if len(panels.boxes) <= 4 else PATCH // 2)
    return canvas.compose(title, [*rows, *_wrapped(below, width)], note)


def _wrapped(tiles: Sequence[Tile], width: int) -> list[list[Tile]]:
    """Rows of tiles, each as wide as fits."""
    rows: list[list[Tile]] = [[]]
    for tile in tiles:
        if rows[-1] and sum(other.width + canvas.GAP for other in rows[-1]) + tile.width > width:
            rows.append([])
        rows[-1].append(tile)
    return rows
