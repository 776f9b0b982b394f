"""The precision of float32 products on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def float32_products(tf32: bool = False) -> Iterator[None]:
    """Within, matrix products and convolutions of float32 tensors on a GPU have float32's 24 bits; or TF32's 11.

    The settings are those of the whole process, and are restored at the end. CPUs are not affected.

    Args:
        tf32: allow TF32, which is several times faster on NVIDIA GPUs since Ampere.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
