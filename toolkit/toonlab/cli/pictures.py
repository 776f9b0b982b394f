"""Pictures: `cartoonize`, `inspect`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from toonlab.errors import ToonlabError
from toonlab.utils.text import printable

from .options import Device, Images, Model

Side = Literal["real", "fake"]
MaxPixels = Annotated[
    int | None, typer.Option("--max-pixels", min=1, help="Skip larger pictures; 89478485 if not given.")
]
KeepSuffix = Annotated[bool, typer.Option("--keep-suffix", help="Name the files a.jpg.png, not a.png.")]


def cartoonize(
    model: Model,
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files into.")],
    post: Annotated[str | None, typer.Option("--post", help="A post-processor; key=value sets it.")] = None,
    max_side: Annotated[int | None, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures of one size at once.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of OUT.")] = False,
    keep_suffix: KeepSuffix = False,
    alpha: Annotated[bool, typer.Option("--alpha", help="Keep transparency; else it is laid on white.")] = False,
    max_pixels: MaxPixels = None,
    memory: Annotated[float | None, typer.Option("--memory", min=0.01, help="GiB to take; else what is free.")] = None,
    device: Device = "auto",
) -> None:
    """Turn pictures into cartoons with a trained model, or one that needs no training."""
    from toonlab.api.common import warned_catalogue
    from toonlab.images.files import allowed, collect_results, plan_tasks, split_arguments
    from toonlab.inference.cartoonize import cartoonize_pictures, load_model
    from toonlab.utils.distributed import pick_device

    catalogue = warned_catalogue()
    paths, settings = split_arguments(images)
    own = {key: settings.pop(key) for key in list(settings) if key.startswith("generator.")}
    if settings and post is None:
        raise ToonlabError(f"{next(iter(settings))}=…: no such file; as a parameter it needs --post NAME")
    postprocess = catalogue.make("postprocessors", post, **settings) if post else None
    tasks = plan_tasks(paths, out, overwrite, keep_suffix)
    generator = load_model(model, catalogue, own)
    results = cartoonize_pictures(
        generator,
        tasks,
        pick_device(device),
        batch,
        max_side,
        postprocess,
        memory=None if memory is None else int(memory * 2**30),
        max_pixels=allowed(max_pixels),
        alpha=alpha,
    )
    written = collect_results(results, len(tasks), "cartoonizing")
    print(f"{len(written)} of {len(tasks)} pictures in {printable(out)}")


def inspect(
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files into.")] = Path("inspect"),
    sampler: Annotated[str | None, typer.Option("--sampler", help="In place of its own; key=value sets it.")] = None,
    representation: Annotated[str | None, typer.Option("--representation", help="In place of its own.")] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="Whose patch critic looks.")] = "ctss",
    critic: Annotated[str | None, typer.Option("--critic", help="The first with a sampler if not given.")] = None,
    side: Annotated[Side, typer.Option("--as", help="What the pictures count as.")] = "real",
    max_side: Annotated[int, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = 512,
    keep_suffix: KeepSuffix = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Draw what a patch critic looks at: the filtered image, saliency, chosen patches, and what the critic sees."""
    from toonlab.api.common import warned_catalogue
    from toonlab.images.files import allowed, collect_results, plan_tasks, split_arguments
    from toonlab.inference.inspect import critic_view, inspect_pictures

    catalogue = warned_catalogue()
    paths, settings = split_arguments(images)
    view = critic_view(catalogue, recipe, critic, sampler, representation, settings)
    tasks = plan_tasks(paths, out, overwrite=True, keep_suffix=keep_suffix)
    results = inspect_pictures(view, tasks, side, max_side, allowed(max_pixels))
    written = collect_results(results, len(tasks), "looking")
    print(f"{len(written)} of {len(tasks)} pictures in {printable(out)}")
