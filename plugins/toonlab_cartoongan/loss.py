"""CartoonGAN's edge-promoting discriminator loss."""

from dataclasses import dataclass

from torch import Tensor

from toonlab import CriticParts, Logits, Views
from toonlab.ops.edges import smooth_edges


@dataclass(frozen=True)
class EdgePromoting:
    """The critic's loss on real views smoothed along their edges, treated as fakes.

    Chen, Lai and Liu, "CartoonGAN", CVPR 2018, eq. 3: log(1 - D(e)), under the critic's own objective. The critic's
    views (patches, gray, ...) are smoothed at each step, so no second data set is needed; see
    `toonlab.ops.edges.smooth_edges`. Its weight in the paper and in both implementations is 1.

    Args:
        exact: smooth with OpenCV on every device, as the originals do. CPUs always use OpenCV, and GPUs give the same
            pixels, so this serves only for verification.
    """

    exact: bool = False

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        smoothed = smooth_edges(views.real, views.value_range, exact=self.exact)
        return critic.objective.fake(critic.logits(smoothed))
