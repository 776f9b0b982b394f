"""Hard example mining: the patches that the critic is least sure of, or most wrong about."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Logits, PartError, Tunable, Views
from toonlab.ops.patch_grid import Grid, best, cut


@dataclass(frozen=True)
class HardPatches:
    """The patches that the critic is least sure of, or most wrong about: `k` of every image.

    Online hard example mining over the patches of a grid: a forward pass over all candidates, then a step on the chosen
    ones (Shrivastava, Gupta and Girshick, "Training Region-based Object Detectors with Online Hard Example Mining",
    CVPR 2016; the idea is the bootstrapping of Sung and Poggio, "Example-Based Learning for View-Based Human Face
    Detection", PAMI 1998). They choose by the loss. Here the critic's logits, averaged for each candidate, are scaled
    linearly so that their mean over the batch's real candidates is 1 and over its fake ones -1; so the objective's
    scale and sign do not matter. `unsure` takes the candidates nearest to 0, as uncertainty sampling does (Lewis and
    Gale, "A Sequential Algorithm for Training Text Classifiers", SIGIR 1994), `hardest` the lowest real and the highest
    fake ones.

    `(B, C, H, W)` -> `(B*k, C, patch_size, patch_size)`, image by image, hardest first; among equal scores the upper,
    then the left patch comes first. Scores are 1 - |scaled logit|; for `hardest` the scaled logit, negated for real
    candidates, so that 1 is the mean of the other side. Gradients flow to the pixels, but not through the critic.

    The critic is evaluated before the step's update, in eval mode, on its representation of the candidates. The cost is
    a forward pass over all candidates, whose number depends on `stride` and not on `k`.

    Args:
        patch_size: side of a patch in pixels.
        stride: distance of neighbouring candidates in patch sizes, rounded to pixels.
        k: patches per image.
        prefer: `unsure` for the patches nearest to the critic's midpoint, `hardest` for the most misclassified ones.

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
        """The scores of the candidates of both sides, `(N,)` float32 each, larger is harder.

        Logits are not scaled where the means of the two sides are equal.
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
    """The mean of each candidate's logits: `(N, ...)` -> `(N,)` float64."""
    return logits.double().flatten(1).mean(1) if logits.ndim > 1 else logits.double()
