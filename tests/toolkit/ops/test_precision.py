"""The precision holds within, and what was set before comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from toonlab.ops.precision import float32_products, training_products


def settings() -> tuple[str, str, str]:
    """Of matrices by torch's older interface and by its current one, and of convolutions."""
    kinds = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    matrices, convolutions = (kind.fp32_precision for kind in kinds)
    return torch.get_float32_matmul_precision(), matrices, convolutions


@pytest.mark.parametrize(
    ("convolutions", "matrices", "expected"),
    [
        (False, False, ("highest", "ieee", "ieee")),
        (True, False, ("highest", "ieee", "tf32")),
        (True, True, ("high", "tf32", "tf32")),
    ],
)
def test_the_precision_holds_within_and_ends_with_it(
    convolutions: bool, matrices: bool, expected: tuple[str, ...]
) -> None:
    before = settings()
    with float32_products(convolutions, matrices):
        assert settings() == expected
    assert settings() == before


def test_it_nests_and_ends_with_an_error() -> None:
    before = settings()
    with float32_products(True, True):
        with float32_products():
            assert settings() == ("highest", "ieee", "ieee")
        with pytest.raises(RuntimeError, match="inside"), float32_products():
            raise RuntimeError("inside")
        assert settings() == ("high", "tf32", "tf32")
    assert settings() == before


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("fp32", ("ieee", "tf32")),  # as stock torch
        ("fp32-strict", ("ieee", "ieee")),
        ("tf32", ("tf32", "tf32")),
        ("bf16", ("ieee", "tf32")),
    ],
)
def test_a_training_on_a_gpu_is_no_slower_than_stock_torch(precision: str, expected: tuple[str, str]) -> None:
    before = settings(), torch.backends.cudnn.benchmark
    with training_products(precision, torch.device("cuda")):
        assert (settings()[1:], torch.backends.cudnn.benchmark) == (expected, True)
    with training_products(precision, torch.device("cpu")):
        assert (settings()[1:], torch.backends.cudnn.benchmark) == (("ieee", "ieee"), before[1])
    assert (settings(), torch.backends.cudnn.benchmark) == before


SCRIPT = """
import sys, torch
from toonlab.ops.precision import float32_products
exec(sys.argv[1])
kinds = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
before = [kind.fp32_precision for kind in kinds]
for allowed in ((False, False), (True, False), (True, True)):
    with float32_products(*allowed):
        now = [kind.fp32_precision for kind in kinds]
        assert now == ["tf32" if one else "ieee" for one in reversed(allowed)], now
        torch.get_float32_matmul_precision()  # as the compiler asks
    assert [kind.fp32_precision for kind in kinds] == before, before
"""


@pytest.mark.parametrize(
    "settings_of_a_script",
    [
        "torch.backends.fp32_precision = 'tf32'",
        "torch.backends.cudnn.fp32_precision = 'ieee'",
        "torch.backends.cuda.matmul.fp32_precision = torch.backends.cudnn.conv.fp32_precision = 'tf32'",
        "torch.set_float32_matmul_precision('high'); torch.backends.cudnn.allow_tf32 = False",
        "torch.set_float32_matmul_precision('high'); torch.backends.cuda.matmul.fp32_precision = 'ieee'",
    ],
)
def test_a_script_may_have_set_it_by_either_interface(program: Callable[..., Any], settings_of_a_script: str) -> None:
    process = program(SCRIPT, settings_of_a_script)
    assert process.wait() == 0, process.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_products_on_a_gpu_have_all_digits() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(2, 512, 512, dtype=torch.float64, device="cuda")
    with float32_products():
        product = one.float() @ other.float()
    assert (product - one @ other).abs().max() < 1e-3
