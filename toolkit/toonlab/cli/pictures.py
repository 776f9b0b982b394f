"""Pictures: `cartoonize`, `inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from toonlab.errors import ToonlabError

from .options import Device, Images, Model

Side = Literal["real", "fake"]


def cartoonize(
    model: Model,
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files into.")],
    post: Annotated[str | None, typer.Option("--post", help="A post-processor; key=value sets it.")] = None,
    max_side: Annotated[int | None, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures of one size at once.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of OUT.")] = False,
    device: Device = "auto",
) -> None:
    """Turn pictures into cartoons with a trained model, or one that needs no training."""
    from toonlab.api import pictures
    from toonlab.api.common import warned_catalogue
    from toonlab.images.files import parted

    paths, settings = parted(images)
    overrides = {key: settings.pop(key) for key in list(settings) if key.startswith("generator.")}
    if settings and post is None:
        raise ToonlabError(f"{next(iter(settings))}=…: no such file; as a parameter it needs --post NAME")
    written, count = pictures.cartoonize(
        model,
        paths,
        out,
        warned_catalogue(),
        overrides=overrides,
        post={"use": post, **settings} if post else None,
        max_side=max_side,
        batch=batch,
        overwrite=overwrite,
        device=device,
    )
    print(f"{written} of {count} pictures are in {out}")


def inspect(
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files into.")] = Path("inspect"),
    sampler: Annotated[str | None, typer.Option("--sampler", help="In place of its own; key=value sets it.")] = None,
    representation: Annotated[str | None, typer.Option("--representation", help="In place of its own.")] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="Whose patch critic looks.")] = "ctss",
    critic: Annotated[str | None, typer.Option("--critic", help="The first with a sampler if not given.")] = None,
    side: Annotated[Side, typer.Option("--as", help="What the pictures count as.")] = "real",
    max_side: Annotated[int, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = 512,
) -> None:
    """Draw what a patch critic looks at: the filtered image, saliency, chosen patches, and what the critic sees."""
    from toonlab.api import pictures
    from toonlab.api.common import warned_catalogue
    from toonlab.images.files import parted

    paths, parameters = parted(images)
    drawn, count = pictures.inspect(
        paths,
        out,
        warned_catalogue(),
        recipe=recipe,
        critic=critic,
        sampler=sampler,
        representation=representation,
        parameters=parameters,
        side=side,
        max_side=max_side,
    )
    print(f"{drawn} of {count} pictures are in {out}")
