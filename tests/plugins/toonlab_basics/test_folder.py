from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from toonlab import ToonlabError
from toonlab_basics import FolderDataset


def picture(path: Path, value: int, size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)
    return path


def damaged(path: Path) -> None:
    """Change a byte of a PNG's pixels, which only decoding notices."""
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 4] ^= 0xFF
    path.write_bytes(content)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    for index in range(3):
        picture(tmp_path / "photos" / f"{index}.png", 10 * index)
        picture(tmp_path / "cartoons" / "deep" / f"{index}.png", 100 + index, (5, 5))
    return {"photos": tmp_path / "photos", "cartoons": tmp_path / "cartoons"}


@pytest.mark.parametrize("cache", ["none", "ram"])
def test_train_gives_both_domains_in_order(folders, cache: str):
    photos, cartoons = FolderDataset(**folders, cache=cache).train()
    assert len(photos) == len(cartoons) == 3
    assert [tuple(photos[i].shape) for i in range(3)] == [(3, 4, 6)] * 3
    assert [int(photos[i][0, 0, 0]) for i in range(3)] == [0, 10, 20]
    assert [int(cartoons[i].float().mean()) for i in range(3)] == [100, 101, 102]
    assert photos[0].dtype == torch.uint8
    assert cartoons.names == ["deep/0.png", "deep/1.png", "deep/2.png"]


def test_pairs_have_the_same_names_and_sizes(folders):
    with pytest.raises(ToonlabError, match=r"photos and .*cartoons: no pairs: 6 pictures: 0\.png: in one of the"):
        FolderDataset(**folders).pairs()
    shutil.copytree(folders["photos"], folders["cartoons"], dirs_exist_ok=True)
    shutil.rmtree(folders["cartoons"] / "deep")
    photos, cartoons = FolderDataset(**folders).pairs()
    assert photos.names == cartoons.names == ["0.png", "1.png", "2.png"]
    damaged(folders["cartoons"] / "1.png")
    cartoons = FolderDataset(**folders).pairs()[1]  # its partner would be another's
    with pytest.raises(ToonlabError, match=r"1\.png: can't be decoded"):
        cartoons[1]
    picture(folders["cartoons"] / "1.png", 9, (5, 4))
    with pytest.raises(ToonlabError, match=r"no pairs: 1 pictures: 1\.png: of two sizes; give both folders the same"):
        FolderDataset(**folders).pairs()


def test_the_cache_keeps_what_it_has_read(folders):
    cached = FolderDataset(**folders, cache="ram", resize=8).train()[0]
    fresh = FolderDataset(**folders, resize=8).train()[0]
    expected = fresh[1]
    shutil.rmtree(folders["photos"])
    assert torch.equal(cached[1], expected)
    with pytest.raises(ToonlabError, match=r"none of its pictures can be decoded: 1\.png: can't be decoded"):
        fresh[1]


@pytest.mark.parametrize("cache", ["none", "ram"])
def test_workers_can_read(folders, cache: str):
    photos, _ = FolderDataset(**folders, cache=cache).train()
    values = [int(item[0, 0, 0, 0]) for item in DataLoader(photos, num_workers=1)]
    assert values == [0, 10, 20]


def test_resize_holds_for_all(folders, tmp_path: Path):
    picture(tmp_path / "held-out" / "a.png", 5, (20, 10))
    data = FolderDataset(**folders, evaluation=tmp_path / "held-out", resize=8)
    photos, cartoons = data.train()
    assert photos[0].shape == (3, 8, 12)
    assert cartoons[0].shape == (3, 8, 8)
    assert data.evaluation()[0].photo.shape == (3, 8, 16)


def test_evaluation_is_lazy_and_in_the_range_of_the_generator(folders, tmp_path: Path):
    picture(tmp_path / "held-out" / "a.png", 0)
    picture(tmp_path / "held-out" / "sub" / "b.png", 255)
    cut = picture(tmp_path / "held-out" / "z.png", 7, (64, 64))
    cut.write_bytes(cut.read_bytes()[:-60])
    with pytest.warns(UserWarning, match=r"left out: 1 of 3 pictures: z\.png: not readable \(image file is trunc"):
        assert len(FolderDataset(**folders, evaluation=tmp_path / "held-out").evaluation()) == 2
    whole = picture(tmp_path / "held-out" / "z.png", 7, (64, 64))
    damaged(whole)
    samples = FolderDataset(**folders, evaluation=tmp_path / "held-out").evaluation()
    assert len(samples) == 3
    assert [(s.name, s.photo.dtype, s.photo.unique().tolist()) for s in samples[:2]] == [
        ("a.png", torch.float32, [-1.0]),
        ("sub/b.png", torch.float32, [1.0]),
    ]
    assert samples[0].truth is None
    with pytest.raises(ToonlabError, match=r"z\.png"):
        samples[-1]


def test_without_evaluation_photos_the_training_photos_serve(folders):
    samples = FolderDataset(**folders).evaluation()
    assert [sample.name for sample in samples] == ["0.png", "1.png", "2.png"]
    torch.testing.assert_close(samples[2].photo[0, 0, 0], torch.tensor(20 / 127.5 - 1))


def test_bad_pictures_are_left_out_with_one_warning(folders):
    (folders["photos"] / "1b.jpg").write_bytes(b"\xff\xd8 cut")
    (folders["photos"] / "empty.png").write_bytes(b"")
    picture(folders["photos"] / "huge.png", 1, (100, 100))
    data = FolderDataset(**folders, max_pixels=5000)
    with pytest.warns(UserWarning, match="left out: 3 of 6 pictures") as caught:
        photos, _ = data.train()
    assert len(caught) == 1
    text = str(caught[0].message)
    assert all(name in text for name in ("1b.jpg: not readable", "empty.png: not readable", "huge.png: 100x100 pixels"))
    assert photos.names == ["0.png", "1.png", "2.png"]
    assert data.train()[0] is photos  # nor does it warn again
    assert len(data.evaluation()) == 3


def test_a_long_list_of_bad_pictures_is_cut(folders):
    for index in range(30):
        (folders["photos"] / f"bad{index:02}.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"30 of 33 .* bad19\.png: [^;]*; and 10 more$"):
        FolderDataset(**folders).train()


def test_no_usable_picture_is_an_error(folders):
    with pytest.raises(ToonlabError, match=r"photos: none of its pictures can be used: 0\.png: 6x4 pixels, more than"):
        FolderDataset(**folders, max_pixels=10).train()
    with pytest.raises(ToonlabError, match="nowhere: no such folder"):
        FolderDataset(folders["photos"], folders["photos"] / "nowhere").train()


def test_manifest_follows_names_and_sizes_but_not_the_place(folders, tmp_path: Path):
    first = FolderDataset(**folders).manifest()
    assert json.loads(json.dumps(first)) == first
    assert first["photos"]["pictures"] == 3
    moved = {role: Path(shutil.copytree(path, tmp_path / "moved" / role)) for role, path in folders.items()}
    assert FolderDataset(**moved).manifest() == first
    assert FolderDataset(**moved, cache="ram").manifest() == first  # how it is read does not matter
    assert FolderDataset(**moved, resize=64).manifest() != first
    assert FolderDataset(**moved, evaluation=moved["photos"]).manifest() != first
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(noise).save(moved["photos"] / "1.png")
    changed = FolderDataset(**moved).manifest()
    assert changed["photos"] != first["photos"]
    assert changed["cartoons"] == first["cartoons"]
    (moved["cartoons"] / "deep" / "2.png").rename(moved["cartoons"] / "deep" / "3.png")
    assert FolderDataset(**moved).manifest()["cartoons"] != first["cartoons"]


def test_what_can_not_be_used_is_no_part_of_the_manifest_so_it_may_be_removed(folders):
    before = FolderDataset(**folders).manifest()
    (folders["photos"] / "empty.png").write_bytes(b"")
    (folders["photos"] / "gone.png").symlink_to(folders["photos"] / "nowhere.png")
    whole = picture(folders["photos"] / "whole.png", 9).read_bytes()
    (folders["photos"] / "whole.png").write_bytes(whole[:-30])
    with pytest.warns(UserWarning, match="left out: 3 of 6 pictures"):
        assert FolderDataset(**folders).manifest() == before
    for name in ("empty.png", "gone.png"):
        (folders["photos"] / name).unlink()
    (folders["photos"] / "whole.png").write_bytes(whole)
    assert FolderDataset(**folders).manifest()["photos"]["pictures"] == 4  # a repaired one is another data set


def test_unreadable_pictures_are_errors_on_request_also_those_that_only_decoding_finds(folders):
    damaged(folders["photos"] / "1.png")
    with pytest.raises(ToonlabError, match=r"^.*photos/1\.png: can't be decoded \(.*\); repair or remove it$"):
        FolderDataset(**folders, unreadable="error").train()
    (folders["photos"] / "empty.png").write_bytes(b"")
    with pytest.raises(ToonlabError, match=r"1 of 4 pictures can't be used: empty\.png: .*, or data\.unreadable=skip$"):
        FolderDataset(**folders, unreadable="error").train()


@pytest.mark.parametrize("cache", ["none", "ram"])
def test_the_next_picture_stands_in_for_a_damaged_one_with_one_warning(folders, cache: str):
    for name in ("0.png", "2.png"):
        damaged(folders["photos"] / name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        photos = FolderDataset(**folders, cache=cache).train()[0]
        values = [[int(photos[index][0, 0, 0]) for index in (0, 2, 1, 0)] for _ in range(2)]
    assert "damaged: 2 of 3 pictures; the next one is read in place of each" in str(caught[-1].message)
    assert values == [[10] * 4] * 2
    assert len(caught) == (1 if cache == "ram" else 2)  # one for each that is found
    assert "0.png: can't be decoded" in str(caught[-1].message)
    assert "2.png: can't be decoded" in str(caught[-1].message)
    with pytest.raises(IndexError):
        photos[3]


@pytest.mark.parametrize("small", ["error", "skip", "resize"])
def test_pictures_smaller_than_the_crop_are_found_before_the_first_step(folders, small: str):
    picture(folders["photos"] / "large.png", 90, (30, 20))
    for index in range(3):
        picture(folders["cartoons"] / "deep" / f"{index}.png", 100 + index, (8, 9))
    data = FolderDataset(**folders, small=small)
    if small == "error":
        text = r"photos: smaller than train\.size=8: 3 of 4 pictures: 0\.png: 6x4 pixels; .*; lower train\.size, or"
        with pytest.raises(ToonlabError, match=text):
            data.for_crops(8).train()
    elif small == "skip":
        with pytest.warns(UserWarning, match=r"smaller than train\.size=8: 3 of 4 pictures, left out: 0\.png"):
            assert data.for_crops(8).train()[0].names == ["large.png"]
        with pytest.raises(ToonlabError, match=r"smaller than train\.size=40: 4 of 4 pictures"):
            data.for_crops(40).train()
    else:
        photos = data.for_crops(8).train()[0]
        assert [tuple(photos[index].shape[1:]) for index in (0, 3)] == [(8, 12), (20, 30)]
    assert len(data.train()[0]) == 4  # who needs no crops, gets all
    assert len(data.for_crops(8).evaluation()) == 4
    with pytest.raises(ToonlabError, match=r"data\.resize=6: less than train\.size=8; raise it to that"):
        FolderDataset(**folders, resize=6, small=small).for_crops(8).train()


def test_photos_that_results_are_reported_on_and_cartoons_to_compare_with_are_kept_apart(folders, tmp_path: Path):
    for name, value in (("held-out", 5), ("looked-at-once", 6), ("other-cartoons", 7)):
        picture(tmp_path / name / "a.png", value)
    alone = FolderDataset(**folders)
    assert alone.test() is alone
    assert alone.evaluation_cartoons().names == alone.train()[1].names
    kept = FolderDataset(
        **folders,
        evaluation=tmp_path / "held-out",
        test=tmp_path / "looked-at-once",
        evaluation_cartoons=tmp_path / "other-cartoons",
    )
    values = [int((data.evaluation()[0].photo[0, 0, 0] + 1) * 127.5 + 0.5) for data in (kept, kept.test())]
    assert values == [5, 6]
    assert kept.test().test() is not kept
    assert [int(item[0, 0, 0]) for item in (kept.evaluation_cartoons()[0], kept.test().evaluation_cartoons()[0])] == [
        7,
        7,
    ]
    assert {"evaluation", "test", "evaluation_cartoons"} <= set(kept.manifest())
    picture(tmp_path / "other-cartoons" / "b.png", 8)
    assert FolderDataset(**folders, evaluation_cartoons=tmp_path / "other-cartoons").manifest() != kept.manifest()
