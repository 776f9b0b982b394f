"""KID's kernel distance, between two sets of features."""

import math

from torch import Tensor

_BLOCK = 1000  # pictures: KID's usual subset


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """The unbiased squared MMD of two sets with a cubic kernel; 0 on average if they are alike, so at times below.

    Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018, equation 4, with the kernel
    (x·y/D + 1)^3. Sets of more than 1,000 features are split into blocks, and results averaged.

    Args:
        x: `(N, D)`, float64, N > 1.
        y: `(M, D)`, float64, M > 1.
    """
    blocks = math.ceil(min(len(x), len(y)) / _BLOCK)
    pairs = zip(x.chunk(blocks), y.chunk(blocks), strict=False)
    distances = [_discrepancy(a, b) for a, b in pairs if min(len(a), len(b)) > 1]
    return sum(distances) / len(distances)


def _discrepancy(x: Tensor, y: Tensor) -> float:
    same = [_kernel(side, side) for side in (x, y)]
    within = sum((kernel.sum() - kernel.trace()) / (len(kernel) * (len(kernel) - 1)) for kernel in same)
    return float(within - 2 * _kernel(x, y).mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.mT / x.shape[1] + 1) ** 3
