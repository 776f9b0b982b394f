"""Hashes of pictures, near-duplicates among them, and blur."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from PIL import Image

BITS = 64  # of a perceptual hash
SAME_BITS = 8  # that near-duplicates, and encodes of one frame, differ in at most
_BLUR_SIDE = 256  # pixels: blur is judged at a size at which networks are trained
BLURRED = 0.5  # of 1; see `blur`: sharp photos and cartoons have at most 0.35, after a Gaussian blur of 2 px 0.51


def perceptual_hash(image: Image.Image) -> str:
    """64 bits as hexadecimal digits, nearly the same for pictures that look nearly the same (`imagehash.phash`)."""
    import imagehash

    return str(imagehash.phash(image))


def pixel_hash(image: Image.Image) -> str:
    """A hash of a picture's size and 8-bit RGB values; the format of its file does not matter."""
    image = image.convert("RGB")
    return blake2b(f"{image.size}".encode() + image.tobytes(), digest_size=16).hexdigest()


def distance(one: str, other: str) -> int:
    """The number of bits in which two perceptual hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def blur(image: Image.Image) -> float:
    """0 for a sharp picture, 1 for one without any detail, at any contrast (Crété et al., 2007), judged at 256 px."""
    from skimage.measure import blur_effect

    gray = image.convert("L")
    scale = _BLUR_SIDE / min(image.size)
    gray.thumbnail((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    return float(blur_effect(np.asarray(gray)))


class Duplicates:
    """Perceptual hashes of pictures that are kept."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def like(self, found: str) -> str | None:
        """The name of the first picture that looks nearly the same."""
        bits = int(found, 16)
        return next((name for name, known in self._known.items() if (known ^ bits).bit_count() <= SAME_BITS), None)

    def add(self, name: str, found: str) -> None:
        self._known[name] = int(found, 16)
