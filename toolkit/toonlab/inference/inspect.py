"""What a patch critic looks at in pictures: which patches its sampler chooses, why, and what the critic sees there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from PIL import Image

from toonlab.engine.data import to_float
from toonlab.engine.part_builder import Unbuilt
from toonlab.errors import ToonlabError, first_line, nearest
from toonlab.images import canvas
from toonlab.images.canvas import Tile
from toonlab.images.files import Done, Job, decode, usable
from toonlab.images.io import save_png
from toonlab.images.patch_panels import PatchPanels, looks, panels, patches
from toonlab.recipes.load import merge, read
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import ViewTransform
from toonlab.types import Context, Views
from toonlab.utils import paths, yaml
from toonlab.utils.rng import rng

Side = Literal["real", "fake"]
PANEL = 512  # pixels; smaller pictures are enlarged by the whole factor that comes near
PATCH = 192  # pixels that a patch's longer side has on the sheet, about


@dataclass(frozen=True)
class CriticView:
    """A critic's sampler and representation; `about` says which, for people."""

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
    """The sampler and the representation of a recipe's critic, or others in their place.

    Args:
        catalogue: to build from.
        recipe: a name on the shelf, or a path; its data need not be given.
        critic: of the recipe; the first that names a sampler where not given.
        sampler: in place of the critic's; a name, or `{use: name, parameter: value}`.
        representation: likewise.
        parameters: of the sampler.

    Raises:
        ToonlabError: if something does not exist, or does not take these values.
    """
    given = {"sampler": _part("--sampler", sampler), "representation": _part("--representation", representation)}
    spec = merge(_critic(recipe, critic, any_will_do=sampler is not None), {k: v for k, v in given.items() if v})
    if "sampler" not in spec:
        raise ToonlabError(f"--critic {critic}: sees whole images; name a sampler with --sampler")
    spec = merge(spec, {"sampler": dict(parameters or {})})
    made = {key: _made(catalogue, f"{key}s", spec[key]) for key in given if key in spec}
    about = " · ".join(f"{key} {_text(spec[key])}" for key in made)
    return CriticView(made["sampler"], made.get("representation"), about)


def _critic(recipe: str, name: str | None, any_will_do: bool) -> dict[str, Any]:
    """Sampler and representation of a critic, as `{use: name, …}` each, as far as it names them."""
    critics = {
        key: critic for key, critic in (read(paths.find(recipe, "baselines")).get("critics") or {}).items() if critic
    }
    if name is None:
        name = next((key for key, critic in critics.items() if critic.get("sampler")), None)
        if name is None and not any_will_do:
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
    view: CriticView, jobs: Sequence[Job], side: Side = "real", max_side: int | None = 512
) -> Iterator[Done]:
    """Write a sheet for each picture, as the results are asked for: each is looked at by itself, as a batch of one.

    Args:
        view: sampler and representation.
        jobs: what to read and what to write (`toonlab.images.files.plan`).
        side: whether the picture is looked at as a `real` cartoon or as a `fake`: a sampler may tell them apart.
        max_side: larger pictures are scaled down, so that their longer side is this many pixels.
    """
    jobs, skipped = usable(jobs)
    yield from skipped
    for job in jobs:
        picture = decode(job, max_side)
        if isinstance(picture, Done):
            yield picture
            continue
        try:
            look = look_at(view, to_float(picture), side)
        except Exception as error:  # whatever a plugin's sampler does wrong
            text = str(error) if isinstance(error, ToonlabError) else f"{type(error).__name__}: {first_line(error)}"
            yield Done(job, "failed", text)
            continue
        size = "x".join(map(str, reversed(picture.shape[1:])))
        save_png(job.target, inspection(look, f"{job.source.name}  {size}", f"{view.about} · as {side}"))
        yield Done(job)


@torch.no_grad()
def look_at(view: CriticView, image: torch.Tensor, side: Side) -> PatchPanels:
    """What sampler and representation make of one image, `(3, H, W)` in [-1, 1].

    Raises:
        PartError: if the image does not suit the sampler, or the sampler gives no boxes.
    """
    images = image[None]
    context = Context(images, Unbuilt(), rng(0, "inspect"), 0, view.representation)
    views = Views(images, images, context=context)
    for transform in (view.sampler, view.representation):
        views = transform(views) if transform else views
    return looks(images, views, side, view.sampler)[0]


def inspection(look: PatchPanels, title: str, note: str) -> Image.Image:
    """The sheet of one image: its panels, and below them the patches as the critic sees them."""
    above = panels(look, "picture", side=max(PANEL, *look.image.shape[1:]))
    rows = [above[i : i + 2] for i in range(0, len(above), 2)]
    width = max(2 * above[0].width + canvas.GAP, 2 * PANEL)
    below = patches(look, PATCH if len(look.boxes) <= 4 else PATCH // 2)
    return canvas.compose(title, [*rows, *_wrapped(below, width)], note)


def _wrapped(tiles: Sequence[Tile], width: int) -> list[list[Tile]]:
    """Rows of tiles, each as wide as fits."""
    rows: list[list[Tile]] = [[]]
    for tile in tiles:
        if rows[-1] and sum(other.width + canvas.GAP for other in rows[-1]) + tile.width > width:
            rows.append([])
        rows[-1].append(tile)
    return rows
