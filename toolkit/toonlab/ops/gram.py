"""Statistics of feature maps that losses compare."""

from __future__ import annotations

import torch
from torch import Tensor


def gram_matrix(features: Tensor) -> Tensor:
    """Correlations of the channels of each image: FᵀF / (H W C), with F the features as `(H W, C)`.

    Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, eq. 3; divided as in
    the code of AnimeGAN and CTSS (`tools/ops.py`). Computed in float32 at least: a product of thousands of terms in
    bf16 says little.

    Args:
        features: `(B, C, H, W)`.

    Returns:
        `(B, C, C)`.
    """
    count = features[0].numel()
    with torch.autocast(features.device.type, enabled=False):
        flat = features.to(torch.promote_types(features.dtype, torch.float32)).flatten(2)  # (B, C, H*W)
        return flat @ flat.mT / count
