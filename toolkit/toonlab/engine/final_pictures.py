"""The pictures that reports show of a finished run: its first test samples, their fakes, and its critics' patches."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from toonlab.images.io import to_picture
from toonlab.recipes.spec import Recipe
from toonlab.registry.protocols import ViewTransform
from toonlab.runs.pictures import Box, Patches, write_pictures
from toonlab.types import Run

from .evaluator import Evaluator
from .part_builder import views_alone

MOST = 24  # patches of a picture; a grid may give hundreds


def write_final_pictures(run: Run, evaluator: Evaluator, fakes: Sequence[Tensor], recipe: Recipe) -> None:
    """Write `pictures/` of a run's directory: fakes, `(3, H, W)` in [-1, 1], of the evaluator's first samples.

    Every critic's sampler chooses its patches in the fake alone.

    Raises:
        OSError: if something can't be written.
    """
    parts = {name: critic.sampler for name, critic in recipe.critics.items() if critic.sampler.use != "whole"}
    samplers = {name: part.make(evaluator.catalogue) for name, part in parts.items()}
    made = []
    for sample, fake in zip(evaluator.samples, fakes, strict=False):
        images = {"photo": sample.photo, "fake": fake, "truth": sample.truth.cartoon if sample.truth else None}
        pictures = {kind: to_picture(image) for kind, image in images.items() if image is not None}
        boxes = {name: chosen(sampler, fake) for name, sampler in samplers.items()}
        patches = {name: Patches(parts[name].use, found) for name, found in boxes.items() if found}
        made.append((sample.name, pictures, patches))
    write_pictures(run.directory, made)


def chosen(sampler: ViewTransform, fake: Tensor) -> list[Box]:
    """The first `MOST` boxes that a sampler chooses in a fake, `(3, H, W)` in [-1, 1], best first.

    None where it gives no boxes or whole images, or needs more than the picture.
    """
    try:
        boxes = views_alone(fake, sampler).fake_boxes
        found: list[Box] = [] if boxes is None else [tuple(box) for box in boxes[:, 1:].tolist()]
    except Exception:  # a plugin's sampler may want a trained critic, or a whole batch
        return []
    return [box for box in found if box != (0, 0, *fake.shape[1:])][:MOST]
