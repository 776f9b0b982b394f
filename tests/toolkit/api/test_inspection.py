"""What a sampler chooses in a picture, from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toonlab


@pytest.fixture(scope="module")
def drawing() -> Image.Image:
    """A gray picture, 300x200 pixels, with lines in one place: rows 100 to 160, columns 200 to 260."""
    pixels = np.full((200, 300, 3), 200, np.uint8)
    pixels += np.random.default_rng(0).integers(0, 2, pixels.shape, np.uint8)
    pixels[100:160:6, 200:260] = 0
    return Image.fromarray(pixels)


def test_the_recipes_sampler_looks_where_the_lines_are(drawing: Image.Image, small: Path) -> None:
    found = toonlab.inspect_picture(drawing, small, k=3, title="drawing")
    assert [tile.caption for tile in found.panels] == ["picture", "filtered", "chosen patches", "saliency"]
    assert len(found.patches) == 3
    assert found.about.startswith("sampler ctss (patch_size 16, k 3) · representation gray_minmax")
    framed = np.asarray(found.panels[2].picture).astype(int) - np.asarray(found.panels[0].picture)
    rows, columns = np.nonzero(np.abs(framed).max(-1))
    factor = found.panels[0].picture.width / drawing.width
    assert rows.min() >= 84 * factor
    assert columns.min() >= 184 * factor
    assert found.sheet.height > found.panels[0].picture.height + found.patches[0].picture.height


def test_another_sampler_has_its_own_parameters_and_pictures_are_scaled_down(drawing: Image.Image) -> None:
    found = toonlab.inspect_picture(drawing, sampler="random_patches", patch_size=16, k=5, max_side=64)
    assert len(found.patches) == 5
    assert found.panels[0].picture.width == 64 * 8  # enlarged by a whole factor to 512


def test_what_does_not_fit_is_told(drawing: Image.Image) -> None:
    with pytest.raises(toonlab.ToonlabError, match=r"patch"):
        toonlab.inspect_picture(drawing, patch_size=400)
    with pytest.raises(toonlab.ToonlabError, match="no critic of this recipe names a sampler"):
        toonlab.inspect_picture(drawing, "plain")
