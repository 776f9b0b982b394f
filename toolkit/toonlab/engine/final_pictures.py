"""The pictures that reports show of a finished run: its first test samples, their fakes, and its critics' patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from toonlab.images.io import to_picture
from toonlab.recipes.spec import Recipe
from toonlab.registry.protocols import ViewTransform
from toonlab.runs.pictures import Box, Made, Patches, write_pictures
from toonlab.types import Context, Run, Views
from toonlab.utils.rng import rng

from .evaluator import Evaluator
from .part_builder import Unbuilt

MOST = 24  # patches of a picture; a grid may give hundreds
Samplers = Mapping[str, tuple[str, ViewTransform]]  # critic -> name and sampler


def write_final_pictures(run: Run, evaluator: Evaluator, fakes: Sequence[Tensor], recipe: Recipe) -> None:
    """Write `pictures/` of a run's directory.

    Args:
        run: that has finished.
        evaluator: of the samples that the fakes were made of, in order.
        fakes: `(3, H, W)` in [-1, 1] each, one for each of the first samples.
        recipe: whose critics' samplers choose patches.

    Raises:
        OSError: if something can't be written.
    """
    samplers = {
        name: (critic.sampler.use, critic.sampler.make(evaluator.catalogue))
        for name, critic in recipe.critics.items()
        if critic.sampler.use != "whole"
    }
    write_pictures(run.directory, _made(evaluator, fakes, samplers))


def _made(evaluator: Evaluator, fakes: Sequence[Tensor], samplers: Samplers) -> Iterator[Made]:
    for sample, fake in zip(evaluator.samples, fakes, strict=False):
        images = {"photo": sample.photo, "fake": fake, "truth": sample.truth.cartoon if sample.truth else None}
        found = {kind: to_picture(image) for kind, image in images.items() if image is not None}
        yield sample.name, found, _patches(samplers, fake)


def _patches(samplers: Samplers, fake: Tensor) -> dict[str, Patches]:
    """What each critic's sampler chooses; a sampler that needs more than the picture is left out."""
    found = {}
    for critic, (name, sampler) in samplers.items():
        try:
            boxes = chosen(sampler, fake)
        except Exception:  # a plugin's sampler may want a trained critic, or a whole batch
            continue
        if parts := [box for box in boxes if box != (0, 0, *fake.shape[1:])]:
            found[critic] = Patches(name, parts[:MOST])
    return found


@torch.no_grad()
def chosen(sampler: ViewTransform, fake: Tensor) -> list[Box]:
    """The boxes that a sampler chooses in a fake, `(3, H, W)` in [-1, 1], best first; none if it gives no boxes."""
    images = fake[None]
    views = sampler(Views(images, images, context=Context(images, Unbuilt(), rng(0, "inspect"), 0)))
    return [] if views.fake_boxes is None else [tuple(box) for box in views.fake_boxes[:, 1:].tolist()]
