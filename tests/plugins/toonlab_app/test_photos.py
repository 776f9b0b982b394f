"""Which photos are accepted, and how long their pictures are kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toonlab import ToonlabError, discover
from toonlab_app.photos import WorkFolder, file_stem, open_photo, rendered_photo


def test_a_photo_is_upright_and_scaled_down_only(photo: Path, tmp_path: Path) -> None:
    assert open_photo(photo, 1000, 10**6).size == (96, 64)
    assert open_photo(photo, 48, 10**6).size == (48, 32)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    with Image.open(photo) as picture:
        picture.save(tmp_path / "turned.jpg", exif=exif)
    assert open_photo(tmp_path / "turned.jpg", 1000, 10**6).size == (64, 96)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: b"no picture", r"^a\.jpg: is not a picture that can be read; choose another photo"),
        (lambda data: data[: len(data) // 2], r"^a\.jpg: .*truncated.*; choose another photo"),
        (lambda data: b"", r"^a\.jpg: is not a picture that can be read"),
    ],
)
def test_other_files_are_told_in_one_line_without_their_place(photo: Path, tmp_path: Path, damage, says) -> None:
    (tmp_path / "a.jpg").write_bytes(damage(photo.read_bytes()))
    with pytest.raises(ToonlabError, match=says) as told:
        open_photo(tmp_path / "a.jpg", 1000, 10**6)
    assert str(tmp_path) not in str(told.value)
    assert "\n" not in str(told.value)


def test_too_many_pixels_are_told_in_megapixels(tmp_path: Path) -> None:
    Image.new("RGB", (2000, 2000)).save(tmp_path / "a.png")
    with pytest.raises(ToonlabError, match=r"^a\.png: 2000x2000 pixels, more than 3 megapixels; choose another"):
        open_photo(tmp_path / "a.png", 100, 3_000_000)


def test_rendered_photos_differ(cache: None) -> None:
    first, second = (np.asarray(rendered_photo(discover(), number, size=48)) for number in (0, 1))
    assert first.shape == (48, 48, 3)
    assert first.std() > 10
    assert not np.array_equal(first, second)


def test_pictures_of_an_hour_ago_are_removed(tmp_path: Path) -> None:
    folders = WorkFolder(tmp_path)
    old, new = folders.new(), folders.new()
    (old / "photo.png").write_bytes(b"")
    os.utime(old, (1, 1))
    assert folders.new() not in (old, new)
    assert not old.exists()
    assert new.exists()


def test_names_of_files_are_taken_by_every_system() -> None:
    assert file_stem("ctss (k 4, patch_size 24)") == "ctss-k-4-patch_size-24"
    assert file_stem("../..") == "picture"
