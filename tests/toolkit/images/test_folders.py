"""Which files of a folder are its pictures, and which of these can be used."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from toonlab import ToonlabError
from toonlab.images import folders
from toonlab.images.folders import (
    find_clips,
    find_pictures,
    picture_manifest,
    picture_problems,
    picture_stem,
    scan_pictures,
)
from toonlab.images.io import read_picture


def png(width: int, height: int, bit_depth: int = 8, color_type: int = 0, rows: bytes = b"") -> bytes:
    """A PNG with this header, whatever the pixels are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", width, height, bit_depth, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


COLOR = Image.new("RGB", (3, 2), "teal")


def test_find_pictures_below_a_folder(tmp_path: Path):
    for name in ["b.png", "B.JPG", "sub/z.webp", "sub/deep/a.tiff", "a.jpeg", "notes.txt", ".hidden.png", ".git/x.png"]:
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.bmp").write_bytes(b"")
    (tmp_path / "set" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "one.bmp").symlink_to(tmp_path / "elsewhere" / "linked.bmp")
    (tmp_path / "set" / "sub" / "up").symlink_to(tmp_path / "set")  # a loop
    found = ["B.JPG", "a.jpeg", "b.png", "more/linked.bmp", "one.bmp", "sub/deep/a.tiff", "sub/z.webp"]
    with pytest.warns(UserWarning, match=r"set: left out: sub/up: links to a folder that is read already$"):
        assert find_pictures(tmp_path / "set") == found
    assert find_pictures(tmp_path / "set") == found  # it is said once
    (tmp_path / "set" / "sub" / "up").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert find_pictures(tmp_path / "link") == found


def test_folders_that_hold_none(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ToonlabError, match="no pictures in it"):
        find_pictures(tmp_path)
    with pytest.raises(ToonlabError, match="missing: no such folder"):
        find_pictures(tmp_path / "missing")
    with pytest.raises(ToonlabError, match="xxx: no such folder"):
        find_pictures(tmp_path / ("x" * 300))
    with pytest.raises(ToonlabError, match=r"notes\.txt: is not a folder"):
        find_pictures(tmp_path / "notes.txt")


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.jpg", "a"), ("sub/a.b.PNG", "sub/a.b"), ("a", "a"), ("v1.5", "v1.5"), ("toonworld-7", "toonworld-7")],
)
def test_a_stem_is_the_name_without_a_pictures_suffix(name: str, stem: str):
    assert picture_stem(name) == stem


def test_a_manifest_changes_with_names_and_sizes_and_not_with_the_place(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "moved" / "second"
    for folder in (first, second):
        for name in ("a.png", "sub/b.png"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"1234")
    before = picture_manifest(first)
    assert picture_manifest(first, names=["a.png"])["pictures"] == 1
    assert before == picture_manifest(second)
    assert before["pictures"] == 2
    assert len(before["digest"]) == 32
    (second / "a.png").write_bytes(b"12345")
    assert picture_manifest(second) != before
    (first / "a.png").rename(first / "c.png")
    assert picture_manifest(first) != before


def test_a_manifest_of_contents_sees_a_changed_byte(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"1234")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    sizes, contents = picture_manifest(tmp_path), picture_manifest(tmp_path, contents=True)
    (tmp_path / "a.png").write_bytes(b"4321")
    assert picture_manifest(tmp_path) == sizes
    assert picture_manifest(tmp_path, contents=True)["digest"] != contents["digest"]


def test_problems_by_the_header(tmp_path: Path):
    saved(tmp_path / "good.png", COLOR)
    saved(tmp_path / "float.tif", Image.fromarray(np.zeros((2, 2), np.float32)))
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "wide.png").write_bytes(png(20_000, 6_000))  # above Pillow's warning
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000))  # above Pillow's error
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    found = picture_problems(tmp_path, find_pictures(tmp_path), max_pixels=1000)
    assert set(found) == {"float.tif", "empty.jpg", "text.png", "wide.png", "bomb.png", "nowhere.png"}
    assert found["float.tif"] == "pixels of kind 'F', expected 8 or 16 bits per channel"
    assert found["wide.png"] == "20000x6000 pixels, more than max_pixels=1000"
    assert found["bomb.png"] == "3600000000 pixels, more than max_pixels=1000"
    assert "cannot identify" in found["text.png"]
    assert "No such file" in found["nowhere.png"]


@pytest.mark.parametrize("kind", ["jfif", "jpe", "gif", "avif", "apng", "dib", "jp2", "ppm", "tga", ""])
def test_what_pillow_opens_is_a_picture_with_or_without_a_suffix(tmp_path: Path, kind: str):
    name = f"A.{kind.upper()}" if kind else "A"
    as_format = {"jfif": "jpeg", "jpe": "jpeg", "apng": "png", "jp2": "jpeg2000", "": "png"}.get(kind, kind)
    saved(tmp_path / name, COLOR, format=as_format)
    (tmp_path / "README").write_text("no picture")
    assert find_pictures(tmp_path) == [name]
    assert scan_pictures(tmp_path, [name]) == ({name: (3, 2)}, {})


def test_what_is_left_out_is_said_with_the_package_that_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folders, "has_plugin", lambda suffix: suffix == ".jxl")
    saved(tmp_path / "a.png", COLOR)
    for name in ("b.heic", "c.HEIC", "d.nef", "e.jxl", "f.txt", ".hidden.heic"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    listener = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    listener.bind("socket.png")
    text = (
        r": left out: b\.heic and 1 more: \.heic needs a package: pip install pillow-heif; d\.nef: \.nef is not read; "
        r"convert to PNG or JPEG; folder\.png: is a folder; pipe and 2 more: is no regular file$"
    )
    with pytest.warns(UserWarning, match=text), listener:
        names = find_pictures(tmp_path)
    assert names == ["a.png", "e.jxl", "loop.png"]
    assert set(picture_problems(tmp_path, names)) == {"e.jxl", "loop.png"}


def test_only_what_is_left_out_is_said_with_the_error(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(
        ToonlabError, match=r"no pictures in it \(.*\.webp, also in subfolders\); left out: pipe\.jpg: is"
    ):
        find_pictures(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif"])
def test_a_picture_cut_short_is_found_without_decoding_whole_ones(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole = saved(tmp_path / f"whole.{suffix}", Image.fromarray(noise))
    longer = tmp_path / f"longer.{suffix}"
    longer.write_bytes(whole.read_bytes() + bytes(10_000))
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: -(whole.stat().st_size // 3)].replace(b";", b":"))
    decoded = []
    ended = folders._has_end
    monkeypatch.setattr(folders, "_has_end", lambda *file: (decoded.append(file[0].name), ended(*file))[1])
    sizes, problems = scan_pictures(tmp_path, find_pictures(tmp_path))
    assert (set(sizes), set(problems)) == ({whole.name, longer.name}, {cut.name})
    scan_pictures(tmp_path, find_pictures(tmp_path))
    assert len(decoded) == 3  # the second scan remembers


@given(cut=st.integers(0, 3000), suffix=st.sampled_from(["jpg", "png", "webp", "gif", "bmp", "tif"]))
def test_a_file_cut_anywhere_is_a_problem_or_readable_and_never_a_traceback(tmp_path_factory, cut: int, suffix: str):
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    path = saved(tmp_path_factory.mktemp("p") / f"a.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:cut])
    sizes, problems = scan_pictures(path.parent, [path.name])
    assert len(sizes) + len(problems) == 1
    try:
        read_picture(path)
    except ToonlabError:
        assert problems


def test_a_folder_of_a_variable_that_is_not_set_is_named_so() -> None:
    with pytest.raises(
        ToonlabError, match=r"^\$NOWHERE/train: the environment variable NOWHERE is not set; export NOWH"
    ):
        find_pictures(Path("$NOWHERE/train"))


def test_find_clips_below_a_folder(tmp_path: Path):
    for name in ["b.mp4", "sub/A.MOV", "c.txt", ".hidden.mp4", "d.png", "folder.mkv/x.webm", ".e.mp4.part/000000.nut"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find_clips(tmp_path) == ["b.mp4", "folder.mkv/x.webm", "sub/A.MOV"]
    assert find_pictures(tmp_path) == ["d.png"]
    (tmp_path / "d.png").unlink()
    assert find_pictures(tmp_path, required=False) == []
