"""Hashes and blur of rendered pictures."""

from __future__ import annotations

from io import BytesIO
from itertools import combinations

import numpy as np
from PIL import Image, ImageFilter

from toonlab_frames.looks import BLURRED, SAME_BITS, Duplicates, blur, distance, perceptual_hash, pixel_hash

from .rendered import scene


def image(number: int) -> Image.Image:
    return Image.fromarray(scene(number))


def test_another_encode_looks_the_same_and_another_picture_does_not() -> None:
    hashes = []
    for number in range(6):
        buffer = BytesIO()
        image(number).resize((160, 160)).save(buffer, "JPEG", quality=40)
        hashes.append(perceptual_hash(image(number)))
        assert distance(hashes[-1], perceptual_hash(Image.open(buffer))) <= SAME_BITS
    assert min(distance(one, other) for one, other in combinations(hashes, 2)) > SAME_BITS


def test_the_hash_of_pixels_is_that_of_values_and_size() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    one = pixel_hash(Image.fromarray(pixels))
    assert one == pixel_hash(Image.fromarray(pixels).convert("RGBA"))
    assert one != pixel_hash(Image.fromarray(pixels.reshape(2, 8, 3)))
    pixels[0, 0, 0] += 1
    assert one != pixel_hash(Image.fromarray(pixels))


def test_blur_is_judged_whatever_the_size_and_the_contrast() -> None:
    for number in range(4):
        sharp = Image.fromarray(scene(number, 512))
        assert blur(sharp) < BLURRED
        assert blur(sharp.point(lambda level: level // 4)) < BLURRED  # dim, not blurred
        assert blur(sharp.filter(ImageFilter.GaussianBlur(6))) > BLURRED


def test_the_first_of_near_duplicates_is_named() -> None:
    known = Duplicates()
    known.add("a", "00000000000000ff")
    known.add("b", "0f0f0f0f0f0f0f0f")
    assert known.like("0000000000000fff") == "a"
    assert known.like("0f0f0f0f0f0f0f0e") == "b"
    assert known.like("ffffffffffff0000") is None
