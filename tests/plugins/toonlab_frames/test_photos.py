"""Photos: chosen, copied, and chosen again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from toonlab import ToonlabError
from toonlab_frames.folder import OutFolder
from toonlab_frames.manifest import Manifest, Settings
from toonlab_frames.photos import choose_photos, image_of, rebuild_photos
from toonlab_frames.rebuild import agreement

from .rendered import scene

SETTINGS = Settings(command="photos", smallest=100)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six good photos, and of each kind one that is not."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for number in range(6):
        name = folder / ("sub" if number == 5 else "") / f"{number}.jpg"
        Image.fromarray(scene(number)).resize((160, 120)).save(name, quality=95)
    again = Image.open(folder / "2.jpg")
    again.resize((320, 240)).save(folder / "again.png")
    again.resize((40, 30)).save(folder / "icon.png")
    Image.fromarray(scene(6)).resize((160, 120)).filter(ImageFilter.GaussianBlur(5)).save(folder / "soft.png")
    (folder / "cut.jpg").write_bytes((folder / "1.jpg").read_bytes()[:900])
    return folder


def chosen(photos: Path, out: Path, settings: Settings = SETTINGS) -> Manifest:
    folder = OutFolder(out, "task", "photos.json")
    with folder.opened():
        manifest = choose_photos(photos, folder, settings)
        folder.finish(manifest)
    return manifest


def test_good_photos_are_copied_as_they_are_and_the_others_listed_by_reason(photos: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    manifest = chosen(photos, tmp_path / "out")
    assert Counter(each.split for each in manifest.pictures) == {"train": 4, "validation": 1, "test": 1}
    for each in manifest.pictures:
        content = (tmp_path / "out" / each.file).read_bytes()
        assert content == (photos / each.file.partition("/")[2]).read_bytes()
    assert {each.name: (each.reason, each.like) for each in manifest.dropped} == {
        "again.png": ("duplicate", "2.jpg"),
        "cut.jpg": ("broken", None),
        "icon.png": ("tiny", None),
        "soft.png": ("blurred", None),
    }
    (broken,) = (each.detail for each in manifest.dropped if each.reason == "broken")
    assert broken is not None
    assert "truncated" in broken
    assert {path: path.read_bytes() for path in photos.rglob("*.*")} == before


def test_scaled_photos_are_png_files(photos: Path, tmp_path: Path) -> None:
    manifest = chosen(photos, tmp_path / "out", Settings(command="photos", smallest=100, side=60))
    assert {each.size for each in manifest.pictures} == {(80, 60)}
    for each in manifest.pictures:
        with Image.open(tmp_path / "out" / each.file) as image:
            assert (image.format, image.size) == ("PNG", (80, 60))


def test_photos_are_found_again_whatever_their_names(photos: Path, tmp_path: Path) -> None:
    manifest = chosen(photos, tmp_path / "out")
    (photos / "0.jpg").rename(photos / "renamed.jpg")
    (photos / "4.jpg").unlink()
    folder = OutFolder(tmp_path / "again", "task", "photos.json")
    with folder.opened():
        folder.finish(rebuild_photos(photos, manifest, folder))
    found = agreement(manifest, tmp_path / "again", image_of)
    assert (found.equal, found.alike, [Path(each).name for each in found.missing]) == (5, 0, ["4.jpg"])


def test_a_folder_without_a_good_photo_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match=r"none of its 10 pictures can be used: 0\.jpg: tiny; 1\.jpg: tiny"):
        chosen(photos, tmp_path / "out", Settings(command="photos", smallest=1000))
    manifest = chosen(photos, tmp_path / "out2")
    for path in photos.rglob("?.jpg"):
        path.unlink()
    with pytest.raises(ToonlabError, match="has no photo of the manifest"):
        rebuild_photos(photos, manifest, OutFolder(tmp_path / "out3", "", "photos.json"))
