"""The precision of float32 products on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def float32_products(convolutions: bool = False, matrices: bool = False) -> Iterator[None]:
    """Within, products of float32 tensors on a GPU have float32's 24 bits, or TF32's 11 where that is allowed.

    The settings are those of the whole process. At the end they are restored by that of torch's two interfaces by which
    they had been made. CPUs are not affected.

    Args:
        convolutions: allow TF32, which is several times faster on NVIDIA GPUs since Ampere, and torch's own default.
        matrices: allow TF32 in products of matrices, which torch does not by default.
    """
    kinds = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [kind.fp32_precision for kind in kinds]
    try:
        of_matrices = torch.get_float32_matmul_precision()
    except RuntimeError:  # a script has set `fp32_precision`, with which the older interface doesn't agree
        of_matrices = None
    # by both: the compiler asks the older one, and fails where the two disagree
    torch.set_float32_matmul_precision("high" if matrices else "highest")
    _set(kinds, ["tf32" if allowed else "ieee" for allowed in (matrices, convolutions)])
    try:
        yield
    finally:
        if of_matrices is not None:
            torch.set_float32_matmul_precision(of_matrices)
        _set(kinds, before)


@contextmanager
def training_products(precision: str, device: torch.device) -> Iterator[None]:
    """Within, float32 products of a training have the precision that its recipe asks for.

    On a GPU the fastest of cuDNN's convolutions for each shape is found by trying them, too. Nothing changes on a CPU.

    Args:
        precision: as `train.precision`: on a GPU TF32 in convolutions, as in stock torch; with `tf32` in products of
            matrices, too; with `fp32-strict` in neither.
        device: of the training.
    """
    gpu, before = device.type == "cuda", torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = gpu or before
    try:
        with float32_products(gpu and precision != "fp32-strict", gpu and precision == "tf32"):
            yield
    finally:
        torch.backends.cudnn.benchmark = before


def _set(kinds: tuple[object, ...], values: list[str]) -> None:
    for kind, value in zip(kinds, values, strict=True):
        kind.fp32_precision = value  # type: ignore[attr-defined]
