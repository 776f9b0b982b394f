"""The regions of White-box's adaptive colouring: Felzenszwalb's, merged by similarity.

Computed with numpy, scipy and scikit-image, one picture at a time, for background threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .merging import merge
from .regions import describe

Labels = NDArray[np.int64]


def adaptive(
    image: NDArray[np.float32], scale: float = 10.0, sigma: float = 0.8, min_size: int = 100, regions: int = 90
) -> Labels:
    """Segment a picture: `(H, W, 3)` RGB in [-1, 1] -> `(H, W)` int64, regions numbered from 0.

    Wang and Yu, CVPR 2020, section 3.2: Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation",
    IJCV 2004, by scikit-image; then the grouping of Uijlings et al., "Selective Search", IJCV 2013, until no more than
    `regions` are left.

    Args:
        scale: larger gives larger segments.
        sigma: of the Gaussian blur before segmenting, in pixels.
        min_size: pixels of the smallest segment.
    """
    labels = felzenszwalb(image, scale, sigma, min_size)
    count = int(labels.max()) + 1
    if count <= regions:
        return labels
    return merge(describe(image, labels), regions)[labels]


def felzenszwalb(image: NDArray[np.float32], scale: float, sigma: float, min_size: int) -> Labels:
    """Only the graph-based segmentation, on values in [-1, 1] as in the authors' code."""
    from skimage.segmentation import felzenszwalb

    return felzenszwalb(image, scale, sigma, min_size)
