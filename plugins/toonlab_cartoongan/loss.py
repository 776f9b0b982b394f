"""CartoonGAN's further loss of the critic: cartoons without their edges are not cartoons."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from toonlab import CriticParts, Logits, Views
from toonlab.ops.edges import smooth_edges


@dataclass(frozen=True)
class EdgePromoting:
    """The critic's loss on real views that are smoothed along their edges, as if they were fakes.

    Chen, Lai and Liu, "CartoonGAN", CVPR 2018, eq. 3: log(1 - D(e)), under whatever objective the critic has. The
    smoothing is made anew from what the critic looks at (patches, gray, …), so no second data set is prepared; see
    `toonlab.ops.edges.smooth_edges`. Its weight in the paper and in both implementations is 1.

    Args:
        exact: smooth with OpenCV on any device, as the originals do. On a CPU that happens anyway; on a GPU the
            pixels are the same, so this only serves to check.
    """

    exact: bool = False

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        smoothed = smooth_edges(views.real, views.value_range, exact=self.exact)
        return critic.objective.fake(critic.logits(smoothed))
