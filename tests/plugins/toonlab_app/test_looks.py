"""Which samplers can be chosen, and what is shown of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from toonlab import ToonlabError, discover
from toonlab_app.looks import Look, find_looks, look
from toonlab_app.methods import load_methods


@pytest.fixture(scope="module")
def found(runs: Path) -> list[Look]:
    return find_looks(load_methods(["study"], runs, "cpu")[0], discover())


def test_samplers_as_trained_come_first_and_those_without_patches_are_no_choice(found: list[Look]) -> None:
    assert (found[0].name, found[0].patch_size, found[0].k, found[0].side) == ("patches, as trained", 16, 2, 32)
    names = [each.name for each in found[1:]]
    assert {"ctss", "saliency_nms", "random_patches", "grid_patches"} <= set(names)
    assert "whole" not in names
    assert next(each.k for each in found if each.name == "grid_patches") is None


def test_one_sampler_shows_its_panels_and_patches(found: list[Look], photo: Path) -> None:
    with Image.open(photo) as picture:
        tiles, sheet = look(found[:1], discover(), picture.convert("RGB"), "disk", 24, 3, 96)
    assert [tile.caption.split(":")[0] for tile in tiles] == [
        "filtered", "chosen patches", "saliency", "seen 1", "seen 2", "seen 3",
    ]  # fmt: skip
    assert tiles[-1].picture.width % 24 == 8  # enlarged by a whole factor, in a frame of 4 pixels
    assert sheet.height > tiles[0].picture.height


def test_several_samplers_show_their_choices_each_next_to_its_map(found: list[Look], photo: Path) -> None:
    with Image.open(photo) as picture:
        small = picture.convert("RGB")
    wanted = [each for each in found if each.name in ("ctss", "random_patches", "saliency_nms")]
    tiles, _ = look(wanted, discover(), small, "disk", 16, 2, 96)
    assert [tile.caption for tile in tiles] == [
        "ctss", "ctss: its map", "saliency_nms", "saliency_nms: its map", "random_patches",
    ]  # fmt: skip
    with pytest.raises(ToonlabError, match="patch"):
        look(wanted, discover(), small, "disk", 256, 2, 96)
