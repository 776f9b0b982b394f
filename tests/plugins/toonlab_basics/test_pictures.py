from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from PIL import Image

from toonlab import PartError, Sample, ToonlabError
from toonlab.images.io import to_picture, to_pixels
from toonlab.ops.levels import to_float
from toonlab_basics.pictures import Pictures


@pytest.fixture
def samples() -> list[Sample]:
    photos = torch.rand(3, 3, 12, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1
    names = ("scene-0000", "sub/a.jpg", "v1.5")
    return [Sample(name, photo) for name, photo in zip(names, photos, strict=True)]


@pytest.fixture
def folder(tmp_path: Path, samples: list[Sample]) -> Path:
    """The negatives, as pictures of several kinds."""
    (tmp_path / "sub").mkdir()
    for name, sample in zip(("scene-0000.png", "sub/a.webp", "v1.5.bmp"), samples, strict=True):
        to_picture(-sample.photo).save(tmp_path / name, lossless=True)
    return tmp_path


def complaints(folder: Path, samples: list[Sample], fit: Literal["crop", "error"] = "error") -> list[str]:
    with pytest.raises(ToonlabError) as caught:
        Pictures(folder, fit).check(samples)
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_pictures_belong_to_the_photos_of_their_names(folder: Path, samples: list[Sample]):
    pictures = Pictures(folder)
    pictures.check(samples)
    for sample in samples:
        assert (pictures.fake(sample) + sample.photo).abs().max() < 1 / 127
    with pytest.raises(PartError, match="make none of other photos"):
        pictures(samples[0].photo[None])


def test_what_does_not_fit_is_a_line_for_each_picture(folder: Path, samples: list[Sample]):
    (folder / "scene-0000.png").unlink()
    (folder / "sub" / "a.webp").write_text("no picture")
    Image.new("RGB", (12, 20)).save(folder / "v1.5.bmp")
    Image.new("RGB", (20, 12)).save(folder / "v1.5.png")
    Image.new("RGB", (20, 12)).save(folder / "other.png")
    lines = complaints(folder, samples)
    assert lines[0] == "other.png: of none of the 3 photos that are measured; remove it, or name it as its photo"
    assert lines[1] == "v1.5.png: v1.5.bmp is of the same photo; remove one of them"
    assert lines[2] == "scene-0000.png: missing; make it of the photo scene-0000"
    assert lines[3].startswith("sub/a.webp: can't be decoded (")
    assert lines[3].endswith("; make it again")
    assert lines[4] == "v1.5.bmp: 12x20 pixels, but its photo has 20x12; make it of that size, or fit=resize"
    assert len(lines) == 5


def test_another_size_is_resized_to_the_photos(folder: Path, samples: list[Sample]):
    """As AnimeGAN writes 689x448 pixels for 672x448: the picture again, not a part of it."""
    path = folder / "scene-0000.png"
    smooth = Image.open(path).resize((4, 3), Image.Resampling.BOX).resize((20, 12), Image.Resampling.BICUBIC)
    smooth.resize((40, 24), Image.Resampling.BICUBIC).save(path)
    Image.open(folder / "v1.5.bmp").resize((21, 12)).save(folder / "v1.5.bmp")
    pictures = Pictures(folder)
    expected = "2 of 3 pictures are resized to the sizes of their photos; the largest change: scene-0000.png, 40x24 to"
    with pytest.warns(UserWarning, match=f"{expected} 20x12"):
        pictures.check(samples)
    fake = pictures.fake(samples[0])
    assert fake.shape == (3, 12, 20)
    assert (fake - to_float(to_pixels(smooth))).abs().mean() < 0.02
    assert fake.abs().max() <= 1


def test_a_larger_one_may_be_cropped_to_its_middle(folder: Path, samples: list[Sample]):
    whole = Image.new("RGB", (24, 15), "white")
    whole.paste(to_picture(samples[0].photo), (2, 1))
    whole.save(folder / "scene-0000.png")
    pictures = Pictures(folder, "crop")
    with pytest.warns(UserWarning, match="1 of 3 pictures are cropped to .*: scene-0000.png, 24x15 to 20x12"):
        pictures.check(samples)
    assert (pictures.fake(samples[0]) - samples[0].photo).abs().max() < 1 / 127
    whole.resize((30, 11)).save(folder / "scene-0000.png")
    (line,) = complaints(folder, samples, "crop")
    assert line.endswith(
        "30x11 pixels, but its photo has 20x12, so it can't be cropped to that; make it of that size, or fit=resize"
    )


def test_names_may_have_something_before_and_after_the_photos(folder: Path, samples: list[Sample]):
    (folder / "sub" / "a.webp").rename(folder / "sub" / "a_out.webp")
    (folder / "scene-0000.png").rename(folder / "scene-0000_out.png")
    (folder / "v1.5.bmp").rename(folder / "v1.5_out.bmp")
    (line,) = complaints(folder, samples)
    assert line.endswith("but all are '{stem}_out'; give match: '{stem}_out' (toonlab score --match '{stem}_out')")
    pictures = Pictures(folder, match="{stem}_out")
    pictures.check(samples)
    assert (pictures.fake(samples[1]) + samples[1].photo).abs().max() < 1 / 127
    (folder / "v1.5_out.bmp").unlink()
    with pytest.raises(ToonlabError, match=r"v1\.5_out\.png: missing; make it of the photo v1\.5"):
        Pictures(folder, match="{stem}_out").check(samples)
    with pytest.raises(PartError, match=r"match='out' has no \{stem\}"):
        Pictures(folder, match="out")


def test_many_that_do_not_fit_are_counted(folder: Path, samples: list[Sample]):
    for number in range(30):
        Image.new("RGB", (2, 2)).save(folder / f"{number}.png")
    lines = complaints(folder, samples)
    assert len(lines) == 21
    assert lines[-1].endswith("10 more like these")


def test_a_folder_that_is_not_there(tmp_path: Path, samples: list[Sample]):
    with pytest.raises(ToonlabError, match="nowhere: no such folder"):
        Pictures(tmp_path / "nowhere").check(samples)


def test_the_manifest_tells_changed_pixels_and_names(folder: Path):
    before = Pictures(folder).manifest()
    assert Pictures(folder).manifest() == before
    Image.new("RGB", (20, 12)).save(folder / "scene-0000.png")
    changed = Pictures(folder).manifest()
    (folder / "v1.5.bmp").rename(folder / "v1.6.bmp")
    assert len({str(m) for m in (before, changed, Pictures(folder).manifest())}) == 3
