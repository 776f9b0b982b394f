"""Picture files in, PNG files out: what `toonlab cartoonize` and `toonlab inspect` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toonlab.images.files import follow, plan
from toonlab.inference.cartoonize import cartoonize_pictures, load_model
from toonlab.inference.cartoonizer import Post, make_postprocessor
from toonlab.inference.inspect import Side, critic_view, inspect_pictures
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.distributed import pick_device


def cartoonize(
    model: str,
    images: Sequence[str],
    out: Path,
    catalogue: Catalogue,
    *,
    overrides: Mapping[str, Any] | None = None,
    post: Post | None = None,
    max_side: int | None = None,
    batch: int = 4,
    overwrite: bool = False,
    device: str = "auto",
) -> tuple[int, int]:
    """Cartoonize files, and folders with everything below them.

    Args:
        model: a run's directory, a file of weights, or a recipe that trains nothing.
        overrides: of such a recipe, such as `generator.network.colors`.
        post: a post-processor: its name, or `{"use": NAME, …}` with its parameters.
        max_side: larger pictures are scaled down to it.
        batch: pictures of one size at once.
        overwrite: whether files in `out` may be replaced.

    Returns:
        How many pictures were written, and how many there are.

    Raises:
        ToonlabError: if an argument is wrong, or with a line for each picture that failed.
    """
    postprocess = make_postprocessor(post, catalogue)
    jobs = plan(images, out, overwrite)
    generator = load_model(model, catalogue, overrides)
    results = cartoonize_pictures(generator, jobs, pick_device(device), batch, max_side, postprocess)
    return len(follow(results, len(jobs), "cartoonizing")), len(jobs)


def inspect(
    images: Sequence[str],
    out: Path,
    catalogue: Catalogue,
    *,
    recipe: str = "ctss",
    critic: str | None = None,
    sampler: str | None = None,
    representation: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    side: Side = "real",
    max_side: int = 512,
) -> tuple[int, int]:
    """Draw the patches of pictures that a critic's sampler chooses, and their representation.

    Args:
        recipe, critic, sampler, representation, parameters: as for `toonlab.inference.inspect.critic_view`.
        side: whether the pictures count as `real` cartoons or as `fake` ones.
        max_side: larger pictures are scaled down to it.

    Returns:
        How many pictures were drawn, and how many there are.

    Raises:
        ToonlabError: if an argument is wrong, or with a line for each picture that failed.
    """
    view = critic_view(catalogue, recipe, critic, sampler, representation, parameters)
    jobs = plan(images, out, overwrite=True)
    return len(follow(inspect_pictures(view, jobs, side, max_side), len(jobs), "looking")), len(jobs)
