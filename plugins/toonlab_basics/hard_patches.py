"""The patches that the critic finds hard: hard example mining for a critic of patches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Logits, PartError, Tunable, Views
from toonlab.ops.patch_grid import Grid, best, cut


@dataclass(frozen=True)
class HardPatches:
    """The patches that the critic finds hard, `k` of every image: where it is least sure, or most wrong.

    Hard example mining over the patches of a grid. It is made online, as by Shrivastava, Gupta and Girshick, "Training
    Region-based Object Detectors with Online Hard Example Mining", CVPR 2016: a forward pass over all candidates, then
    a step on the chosen ones; mining itself is the bootstrapping of Sung and Poggio, "Example-Based Learning for
    View-Based Human Face Detection", PAMI 1998. They choose by the loss. Here the critic's answers lie on a line where
    its mean answer to real candidates is at 1 and that to fake ones at -1, so that the objective's scale and sign do
    not matter: `unsure` takes what is nearest to 0, as uncertainty sampling does (Lewis and Gale, "A Sequential
    Algorithm for Training Text Classifiers", SIGIR 1994), `hardest` the lowest real and the highest fake candidates. A
    candidate's answer is the mean of its logits; means are of the batch.

    `(B, C, H, W)` -> `(B*k, C, patch_size, patch_size)`, image by image, hardest first; of patches that score the same
    the upper, then the left one, comes first. Scores are 1 - |place on the line|, and for `hardest` the place itself,
    with its sign turned for real candidates: 1 is at the other side's mean. Gradients reach the pixels, and do not flow
    through the critic's opinion.

    The critic answers as it is before the step's update, in eval mode, through its representation. That costs a forward
    pass of it over all candidates: fewer with a larger `stride`, and never more for a larger `k`.

    Args:
        patch_size: side of a patch in pixels.
        stride: distance of neighbouring candidates in patch sizes, rounded to pixels.
        k: patches per image.
        prefer: `unsure` for what is nearest to the critic's midpoint, `hardest` for what it takes for the other side.

    Raises:
        PartError: when called with images that a patch does not fit, that have fewer than `k` candidates, or with views
            that have no context.
    """

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=16)] = 96
    stride: Annotated[float, Field(gt=0), Tunable(0.25, 1.0, step=0.25)] = 0.5
    k: Annotated[int, Field(gt=0), Tunable(1, 8)] = 4
    prefer: Literal["unsure", "hardest"] = "unsure"

    def __call__(self, views: Views) -> Views:
        real, fake = self._grid(views.real), self._grid(views.fake)
        real_scores, fake_scores = self.scores(self._ask(views, real, fake))
        real_best = best(real_scores.view(-1, real.count), self.k)
        fake_best = best(fake_scores.view(-1, fake.count), self.k)
        seen = cut(views, real.boxes(real_best), fake.boxes(fake_best), self.patch_size)
        return replace(seen, real_scores=real_scores[real_best], fake_scores=fake_scores[fake_best])

    @torch.no_grad()
    def scores(self, logits: Logits) -> tuple[Tensor, Tensor]:
        """How hard candidates are by a critic's answers: `(N,)` float32 for either side, larger is harder.

        Where the critic's two means are equal, answers keep their own scale.
        """
        real, fake = _answers(logits.real), _answers(logits.fake)
        half = (real.mean() - fake.mean()) / 2
        half = torch.where(half == 0, 1.0, half)
        middle = (real.mean() + fake.mean()) / 2
        real, fake = ((real - middle) / half).float(), ((fake - middle) / half).float()
        return (-real, fake) if self.prefer == "hardest" else (1 - real.abs(), 1 - fake.abs())

    def _grid(self, images: Tensor) -> Grid:
        grid = Grid.of(images, self.patch_size, self.stride)
        grid.check("hard_patches", self.k)
        return grid

    def _ask(self, views: Views, real: Grid, fake: Grid) -> Logits:
        """The critic's answers to all candidates."""
        if views.context is None:
            raise PartError("hard_patches: asks the critic, but these views have no context to ask it by")
        candidates = replace(
            views,
            real=real.cut(views.real.detach()),
            fake=fake.cut(views.fake.detach()),
            real_boxes=real.all_boxes(views.real),
            fake_boxes=fake.all_boxes(views.fake),
        )
        logits = views.context.score_patches(candidates)
        got, expected = (len(logits.real), len(logits.fake)), (len(candidates.real), len(candidates.fake))
        if got != expected:
            raise PartError(
                f"hard_patches: {expected} candidates got {got} answers; the critic must judge each by itself"
            )
        return logits


def _answers(logits: Tensor) -> Tensor:
    """The mean of each candidate's logits: `(N, …)` -> `(N,)` float64."""
    return logits.double().flatten(1).mean(1) if logits.ndim > 1 else logits.double()
