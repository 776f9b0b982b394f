"""What is in order passes, and an error says what was expected and what was given."""

from __future__ import annotations

import re

import pytest
import torch

from toonlab import Context, PartError, Views
from toonlab.ops.checks import check_fits, check_images, check_sides, generator_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_batch_of_float_images_passes(dtype: torch.dtype) -> None:
    check_images(torch.zeros(2, 3, 5, 4, dtype=dtype))
    check_images(torch.zeros(2, 1, 5, 4, dtype=dtype), channels=1)


@pytest.mark.parametrize(
    ("images", "channels", "says"),
    [
        (torch.zeros(3, 5, 4), None, "ctss: expected (B, C, H, W) float, got (3, 5, 4) torch.float32"),
        (torch.zeros(2, 1, 5, 4), 3, "ctss: expected (B, 3, H, W) float, got (2, 1, 5, 4) torch.float32"),
        (
            torch.zeros(2, 3, 5, 4).byte(),
            3,
            "ctss: expected (B, 3, H, W) float, got (2, 3, 5, 4) torch.uint8",
        ),
    ],
)
def test_other_tensors_are_named_with_their_shape_and_dtype(
    images: torch.Tensor, channels: int | None, says: str
) -> None:
    with pytest.raises(PartError, match=f"^{re.escape(says)}$"):
        check_images(images, "ctss", channels)


def test_a_square_fits_up_to_the_shorter_side() -> None:
    check_fits(5, 5, 8, "grid: patch_size")
    with pytest.raises(
        PartError, match=r"^grid: patch_size=6 does not fit an image of 8x5 pixels; it can be at most 5$"
    ):
        check_fits(6, 5, 8, "grid: patch_size")


@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 400)])
def test_sides_that_suit_pass(height: int, width: int) -> None:
    check_sides(torch.zeros(1, 3, height, width), "unet: sides", multiple=4, smallest=8)


@pytest.mark.parametrize(
    ("shape", "required", "says"),
    [
        ((1, 3, 10, 12), {"multiple": 4}, "unet: sides must be multiples of 4, got 12x10"),
        (
            (1, 3, 12, 10),
            {"multiple": 4, "smallest": 8},
            "unet: sides must be multiples of 4 and at least 8, got 10x12",
        ),
        ((1, 3, 8, 4), {"multiple": 4, "smallest": 8}, "unet: sides must be multiples of 4 and at least 8, got 4x8"),
        ((15, 40), {"smallest": 16}, "unet: sides must be at least 16, got 40x15"),
    ],
)
def test_sides_that_do_not_suit_are_named(shape: tuple[int, ...], required: dict[str, int], says: str) -> None:
    with pytest.raises(PartError, match=f"^{says}$"):
        check_sides(torch.zeros(shape), "unet: sides", **required)


def test_any_side_suits_where_nothing_is_required() -> None:
    check_sides(torch.zeros(1, 3, 1, 1), "unet: sides")


def test_random_numbers_come_from_the_context() -> None:
    images, rng = torch.zeros(1, 3, 4, 4), torch.Generator().manual_seed(7)
    context = Context(images, torch.nn.Identity(), rng, step=0)
    assert generator_of(Views(images, images, context=context), "lucky") is rng
    with pytest.raises(PartError, match=r"^lucky: draws random numbers, but these views have no context"):
        generator_of(Views(images, images), "lucky")
