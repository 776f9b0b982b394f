"""Pictures: `cartoonize`, `inspect`."""

from itertools import chain
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
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files and clips into.")],
    post: Annotated[str | None, typer.Option("--post", help="A post-processor; key=value sets it.")] = None,
    max_side: Annotated[int | None, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures of one size at once.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of OUT.")] = False,
    keep_suffix: KeepSuffix = False,
    steady: Annotated[
        float, typer.Option("--steady", min=0, max=0.95, help="Blend frames of clips where nothing moves; 0.8 is much.")
    ] = 0,
    alpha: Annotated[bool, typer.Option("--alpha", help="Keep transparency; else it is laid on white.")] = False,
    max_pixels: MaxPixels = None,
    memory: Annotated[float | None, typer.Option("--memory", min=0.01, help="GiB to take; else what is free.")] = None,
    device: Device = "auto",
) -> None:
    """Turn pictures and clips into cartoons with a trained model, or one that needs no training."""
    from toonlab.api.common import warned_catalogue
    from toonlab.images.files import allowed, collect_results, plan_tasks, split_arguments
    from toonlab.images.folders import is_clip
    from toonlab.inference.cartoonize import cartoonize_pictures, load_model
    from toonlab.inference.video import ClipOptions, cartoonize_clips
    from toonlab.utils.distributed import pick_device

    catalogue = warned_catalogue()
    paths, settings = split_arguments(images)
    own = {key: settings.pop(key) for key in list(settings) if key.startswith("generator.")}
    if settings and post is None:
        raise ToonlabError(f"{next(iter(settings))}=…: no such file; as a parameter it needs --post NAME")
    postprocess = catalogue.make("postprocessors", post, **settings) if post else None
    tasks = plan_tasks(paths, out, overwrite, keep_suffix, clips=True)
    clips = [task for task in tasks if is_clip(task.source.name)]
    pictures = [task for task in tasks if not is_clip(task.source.name)]
    generator, where, most = load_model(model, catalogue, own), pick_device(device), allowed(max_pixels)
    limit = None if memory is None else int(memory * 2**30)
    drawn = cartoonize_pictures(
        generator, pictures, where, batch, max_side, postprocess, memory=limit, max_pixels=most, alpha=alpha
    )
    identity = {"model": model, "own": own, "post": post, "settings": settings}
    options = ClipOptions(batch, max_side, postprocess, steady, memory=limit, max_pixels=most, identity=identity)
    results = chain(drawn, cartoonize_clips(generator, clips, where, options))
    what = "pictures" if not clips else "files" if pictures else "clips"
    written = collect_results(results, len(tasks), "cartoonizing", what)
    print(f"{len(written)} of {len(tasks)} {what} in {printable(out)}")


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
