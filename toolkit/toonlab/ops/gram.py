"""The Gram matrix, a statistic of feature maps."""

import torch
from torch import Tensor


def gram_matrix(features: Tensor) -> Tensor:
    """The Gram matrix of each image's channels: FᵀF / (H W C), with the features F as `(H W, C)`.

    Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, eq. 3, with the
    divisor of the code of AnimeGAN and CTSS (`tools/ops.py`). Computed in float32 at least, outside autocast: sums of
    thousands of products are too inaccurate in half precision.

    Args:
        features: `(B, C, H, W)`, any range, floating point.

    Returns:
        `(B, C, C)`, float32 or float64.
    """
    count = features[0].numel()
    with torch.autocast(features.device.type, enabled=False):
        flat = features.to(torch.promote_types(features.dtype, torch.float32)).flatten(2)  # (B, C, H*W)
        return flat @ flat.mT / count
