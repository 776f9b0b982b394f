from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from toonlab import ToonlabError
from toonlab.images.io import (
    allow_pixels,
    fitted,
    read_alpha,
    read_picture,
    save_png,
    to_picture,
)

COLORS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]], [[0, 0, 0], [9, 99, 199]]], np.uint8)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def pixels(path: Path) -> list[list[list[int]]]:
    """Rows of pixels of (red, green, blue)."""
    picture = read_picture(path)
    assert picture.dtype == torch.uint8
    assert picture.is_contiguous()
    return picture.movedim(0, -1).tolist()


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "TIFF", "webp"])
def test_lossless_kinds(tmp_path: Path, suffix: str):
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(COLORS), **({"lossless": True} if suffix == "webp" else {}))
    assert pixels(path) == COLORS.tolist()


@pytest.mark.parametrize("suffix", ["jpg", "JPEG"])
def test_jpeg(tmp_path: Path, suffix: str):
    flat = np.full((16, 24, 3), (200, 120, 64), np.uint8)
    picture = read_picture(saved(tmp_path / f"a.{suffix}", Image.fromarray(flat), quality=95))
    assert picture.shape == (3, 16, 24)
    assert (picture.int() - torch.from_numpy(flat).permute(2, 0, 1)).abs().max() <= 2


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda a: a),
        (3, lambda a: a[::-1, ::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (8, np.rot90),
    ],
)
def test_exif_orientation(tmp_path: Path, orientation: int, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", Image.fromarray(COLORS), exif=exif)
    assert pixels(path) == turned(COLORS).tolist()


def test_gray_and_palette(tmp_path: Path):
    gray = np.array([[0, 7], [128, 255]], np.uint8)
    expected = gray[..., None].repeat(3, -1).tolist()
    assert pixels(saved(tmp_path / "l.png", Image.fromarray(gray))) == expected
    palette = Image.fromarray(COLORS).quantize(16)
    assert palette.mode == "P"
    assert pixels(saved(tmp_path / "p.png", palette)) == COLORS.tolist()
    bits = Image.fromarray(np.array([[True, False]]))
    assert pixels(saved(tmp_path / "1.png", bits)) == [[[255] * 3, [0] * 3]]


def test_transparency_is_laid_on_white(tmp_path: Path):
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [0, 0, 0, 51]]], np.uint8)
    assert pixels(saved(tmp_path / "rgba.png", Image.fromarray(rgba))) == [[[200, 100, 0], [255] * 3, [204] * 3]]
    la = Image.fromarray(np.array([[[10, 255], [10, 0]]], np.uint8))
    assert la.mode == "LA"
    assert pixels(saved(tmp_path / "la.png", la)) == [[[10] * 3, [255] * 3]]
    palette = Image.fromarray(COLORS).quantize(16)
    clear = palette.getpixel((0, 0))
    assert pixels(saved(tmp_path / "p.png", palette, transparency=clear))[0] == [[255] * 3, [0, 255, 0]]
    keyed = saved(tmp_path / "rgb.png", Image.fromarray(COLORS), transparency=(0, 0, 255))
    assert pixels(keyed)[1] == [[255] * 3, [255] * 3]


def icc(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2."""
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    tags = {b"desc": text, b"wtpt": xyz(WHITE), b"cprt": b"text\0\0\0\0none", **tags}
    table, body, offset = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">2I", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    whole = table + body
    names = (kind, space, connection, b"acsp")
    head = struct.pack(">I4sI4s4s4s12x4s", 128 + len(whole), b"lcms", 0x02400000, *names)
    return head + bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + whole


WHITE = np.array([0.9642, 1.0, 0.8249])


def xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(gamma * 256))


def profile(red: tuple[float, float], green: tuple[float, float], gamma: float) -> bytes:
    """An ICC profile of RGB with these primaries (x, y), blue and white of sRGB, without chromatic adaptation."""
    primaries = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, (0.15, 0.06))]).T
    columns = primaries * np.linalg.solve(primaries, WHITE)
    tags = {name: xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True)}
    return icc(b"RGB ", b"mntr", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(gamma)))


def inks() -> bytes:
    """An ICC profile of CMYK whose four inks all are gray, each a quarter of the way to black."""
    ramp, corners = bytes(range(256)), np.indices((2, 2, 2, 2)).reshape(4, -1).sum(0)
    lab = b"".join(bytes([255 - 255 * count // 4, 128, 128]) for count in corners.tolist())
    identity = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel().tolist())
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + lab + ramp * 3
    return icc(b"CMYK", b"prtr", b"Lab ", {b"A2B0": table})


WIDE = profile(red=(0.7, 0.29), green=(0.17, 0.79), gamma=2.2)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_an_rgb_profile_is_converted_to_srgb(tmp_path: Path, suffix: str):
    green = Image.new("RGB", (16, 16), (60, 180, 60))
    options: dict[str, object] = {"lossless": True} if suffix == "webp" else {}
    red, level, blue = pixels(saved(tmp_path / f"a.{suffix}", green, icc_profile=WIDE, **options))[8][8]
    assert max(red, blue) < 30  # a green of a wide space has more saturation in sRGB
    assert level > 180
    gray = pixels(saved(tmp_path / f"b.{suffix}", Image.new("RGB", (16, 16), (90,) * 3), icc_profile=WIDE))[8][8]
    assert max(gray) - min(gray) <= 3


def test_a_profile_keeps_transparency_and_reaches_palettes(tmp_path: Path):
    clear = Image.fromarray(np.array([[[60, 180, 60, 255], [60, 180, 60, 0]]], np.uint8))
    ((left, right),) = pixels(saved(tmp_path / "a.png", clear, icc_profile=WIDE))
    assert left[1] - left[0] > 150
    assert right == [255] * 3
    palette = Image.new("RGB", (2, 2), (60, 180, 60)).quantize(4)
    assert pixels(saved(tmp_path / "p.png", palette, icc_profile=WIDE))[0][0] == left


@pytest.mark.parametrize(
    "icc", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"none", b"\0" * 200]
)
def test_pixels_of_srgb_by_any_name_stay_as_they_are(tmp_path: Path, icc: bytes):
    assert pixels(saved(tmp_path / "a.png", Image.fromarray(COLORS), icc_profile=icc)) == COLORS.tolist()


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_gray_profile_is_converted_to_srgb(tmp_path: Path, mode: str):
    gray = Image.fromarray(np.full((16, 16), 100, np.uint8))
    picture = Image.fromarray(np.full((16, 16), 25700, np.uint16)) if mode == "I;16" else gray.convert(mode)
    options = {"icc_profile": icc(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": curve(1.0)})}
    seen = pixels(saved(tmp_path / "a.png", picture, **options))[8][8]
    assert max(seen) - min(seen) <= 1
    assert abs(seen[0] - 168) <= 2  # 100/255 of the light, as sRGB has it
    assert pixels(saved(tmp_path / "b.png", picture))[8][8] == [100] * 3


def test_a_cmyk_profile_is_converted_to_srgb(tmp_path: Path):
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for suffix in ("jpg", "tif"):
        seen = pixels(saved(tmp_path / f"a.{suffix}", red, icc_profile=inks()))[8][8]
        assert max(seen) - min(seen) <= 3
        assert 110 < seen[0] < 130  # L* of 50


def test_a_profile_of_another_kind_of_colours_is_ignored(tmp_path: Path):
    assert pixels(saved(tmp_path / "a.png", Image.fromarray(COLORS), icc_profile=inks())) == COLORS.tolist()


def test_alpha_comes_upright_and_in_a_size(tmp_path: Path):
    rgba = Image.new("RGBA", (4, 2), (0, 0, 0, 255))
    rgba.putpixel((0, 0), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = read_alpha(saved(tmp_path / "a.png", rgba, exif=exif), (2, 4))
    assert alpha is not None
    assert np.asarray(alpha).tolist() == [[255, 0], [255, 255], [255, 255], [255, 255]]
    assert read_alpha(saved(tmp_path / "b.png", Image.fromarray(COLORS)), (2, 3)) is None


def test_the_limit_of_pixels_can_be_lifted_and_never_falls(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    allow_pixels(50)
    assert Image.MAX_IMAGE_PIXELS == 100
    allow_pixels(1000)
    assert Image.MAX_IMAGE_PIXELS == 1000


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_gray_is_scaled_not_clipped(tmp_path: Path, suffix: str):
    deep = np.array([[0, 128, 129, 257], [25700, 32768, 65406, 65535]], np.uint16)
    expected = [[0, 0, 1, 1], [100, 128, 254, 255]]  # to the nearest 1/257
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(deep))
    assert pixels(path) == [[[v] * 3 for v in row] for row in expected]


def test_16_bit_gray_turned_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.png", Image.fromarray(np.array([[0, 65535]], np.uint16)), exif=exif)
    assert pixels(path) == [[[0] * 3], [[255] * 3]]


def test_16_bit_color(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(
        png(2, 1, bit_depth=16, color_type=2, rows=b"\x00" + struct.pack(">6H", 0, 25700, 65535, 65535, 0, 257))
    )
    assert pixels(path) == [[[0, 100, 255], [255, 0, 1]]]


def test_cmyk(tmp_path: Path):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow make red
    for suffix in ("jpg", "tif"):
        red, green, blue = read_picture(saved(tmp_path / f"a.{suffix}", image))[:, 8, 8].tolist()
        assert red > 250
        assert max(green, blue) < 5


def test_only_the_first_page(tmp_path: Path):
    pages = [Image.fromarray(COLORS), Image.fromarray(255 - COLORS)]
    assert pixels(saved(tmp_path / "a.tif", pages[0], save_all=True, append_images=pages[1:])) == COLORS.tolist()


@given(width=st.integers(1, 40), height=st.integers(1, 40), side=st.integers(1, 40))
def test_resize_sets_the_shorter_side(tmp_path_factory, width: int, height: int, side: int):
    path = saved(tmp_path_factory.mktemp("p") / "a.png", Image.new("RGB", (width, height), (10, 200, 30)))
    picture = read_picture(path, side)
    assert min(picture.shape[1:]) == side
    scale = side / min(width, height)
    assert abs(picture.shape[1] - scale * height) <= 0.5
    assert abs(picture.shape[2] - scale * width) <= 0.5
    assert (picture == torch.tensor([10, 200, 30], dtype=torch.uint8).view(3, 1, 1)).all()


def test_resize_is_antialiased(tmp_path: Path):
    """Stripes one pixel wide become gray, not a moire of black and white."""
    stripes = np.zeros((60, 60), np.uint8)
    stripes[:, ::2] = 255
    picture = read_picture(saved(tmp_path / "a.png", Image.fromarray(stripes)), 20)
    assert (picture[:, :, 2:-2].int() - 127).abs().max() < 12


@given(width=st.integers(1, 60), height=st.integers(1, 60), side=st.integers(1, 60))
def test_max_side_scales_down_and_never_up(tmp_path_factory, width: int, height: int, side: int):
    path = saved(tmp_path_factory.mktemp("p") / "a.png", Image.new("RGB", (width, height), (10, 200, 30)))
    size = read_picture(path, max_side=side).shape[1:]
    if max(width, height) <= side:
        assert size == (height, width)
    else:
        assert max(size) == side
        assert size == tuple(reversed(fitted(width, height, side)))
        assert abs(min(size) - side * min(width, height) / max(width, height)) < 1


def test_to_picture_is_the_inverse_of_decoding(tmp_path: Path):
    every_level = torch.arange(256).view(1, 16, 16).expand(3, -1, -1)
    values = every_level.float() / 127.5 - 1
    assert np.array_equal(np.asarray(to_picture(values)), every_level.movedim(0, -1).numpy())
    beyond = torch.tensor([-3.0, 3.0]).view(1, 1, 2).expand(3, -1, -1)
    assert np.asarray(to_picture(beyond))[0, :, 0].tolist() == [0, 255]


def test_save_png_writes_whole_files_or_says_why_not(tmp_path: Path):
    picture = Image.fromarray(COLORS)
    save_png(tmp_path / "new" / "folder" / "a.png", picture)
    assert pixels(tmp_path / "new" / "folder" / "a.png") == COLORS.tolist()
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["a.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ToonlabError, match=r"file/a\.png: can't be written: .*; choose another folder"):
        save_png(tmp_path / "file" / "a.png", picture)


def png(width: int, height: int, bit_depth: int = 8, color_type: int = 0, rows: bytes = b"") -> bytes:
    """A PNG with this header, whatever the pixels are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", width, height, bit_depth, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif"])
def test_a_truncated_picture_is_named(tmp_path: Path, suffix: str):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix))
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(ToonlabError, match=rf"cut\.{suffix}: can't be decoded \(.*repair or remove it") as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)
