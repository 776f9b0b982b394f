"""What is sent of a picture's file, and the effect that attentive raters tell from the photo."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from toonlab import ToonlabError
from toonlab_vote.pictures import effect, sent


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A disk on a ramp, with a camera's noise."""
    y, x = np.mgrid[:96, :128]
    pixels = np.stack([x, y, np.where(np.hypot(x - 64, y - 48) < 30, 220, 60)], -1)
    noisy = np.clip(pixels + np.random.default_rng(0).normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    info = PngInfo()
    info.add_text("method", "ctss")
    Image.fromarray(noisy).save(tmp_path / "photo.png", pnginfo=info)
    return tmp_path / "photo.png"


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def test_pixels_are_sent_and_nothing_else(photo: Path) -> None:
    with Image.open(photo) as image:
        assert image.info["method"] == "ctss"
        assert opened(sent(photo)).tobytes() == image.convert("RGB").tobytes()
    assert opened(sent(photo)).info == {}
    assert b"ctss" not in sent(photo)


def test_the_effect_has_few_colours_and_black_lines_at_the_edges(photo: Path) -> None:
    before, after = np.asarray(opened(sent(photo))), np.asarray(opened(effect(photo)))
    assert after.shape == before.shape
    assert len(np.unique(after.reshape(-1, 3), axis=0)) < 40 < len(np.unique(before.reshape(-1, 3), axis=0))
    black = (after == 0).all(axis=-1)
    y, x = np.mgrid[:96, :128]
    near = np.abs(np.hypot(x - 64, y - 48) - 30) < 6
    assert black[near].mean() > 5 * black[~near].mean()


def test_a_damaged_picture_is_named(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:200])
    with pytest.raises(ToonlabError, match=r"photo\.png: can't be decoded"):
        sent(photo)
