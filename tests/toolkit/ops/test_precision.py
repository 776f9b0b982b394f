"""The precision holds within, and what was set before comes back."""

from __future__ import annotations

import pytest
import torch

from toonlab.ops.precision import float32_products


def settings() -> tuple[str, bool]:
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("tf32", "expected"), [(False, ("highest", False)), (True, ("high", True))])
def test_the_precision_holds_within_and_ends_with_it(tf32: bool, expected: tuple[str, bool]) -> None:
    before = settings()
    with float32_products(tf32):
        assert settings() == expected
    assert settings() == before


def test_it_nests_and_ends_with_an_error() -> None:
    before = settings()
    with float32_products(tf32=True):
        with float32_products():
            assert settings() == ("highest", False)
        with pytest.raises(RuntimeError, match="inside"), float32_products():
            raise RuntimeError("inside")
        assert settings() == ("high", True)
    assert settings() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_products_on_a_gpu_have_all_digits() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(2, 512, 512, dtype=torch.float64, device="cuda")
    with float32_products():
        product = one.float() @ other.float()
    assert (product - one @ other).abs().max() < 1e-3
