"""Picture files: finding and checking them, and decoding any kind of picture into 8-bit RGB."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from toonlab.errors import ToonlabError, first_line

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MAX_PIXELS = 89_478_485  # above it Pillow warns: a small file may unpack to more than fits in memory
_EIGHT_BIT = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})


def find_pictures(folder: Path) -> list[str]:
    """The paths of all pictures below a folder, relative to it, with forward slashes, sorted.

    The order is the same on every machine. Pictures are known by their suffix (jpg, jpeg, png, webp, bmp, tif, tiff, in
    any case). Hidden files and folders are left out; links are followed, each folder once.

    Raises:
        ToonlabError: if there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise ToonlabError(f"{folder}: {'is not a folder' if folder.exists() else 'no such folder'}")
    names = sorted(path.relative_to(folder).as_posix() for path in _walk(folder))
    if not names:
        raise ToonlabError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))}, also in subfolders)")
    return names


def picture_stem(name: str) -> str:
    """The name or path of a picture without its suffix: `sub/a.jpg` -> `sub/a`; other names stay as they are."""
    stem, dot, suffix = name.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in SUFFIXES else name


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        if (place := Path(parent).resolve()) in seen:  # a link to a parent folder would never end
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = (Path(parent, name) for name in files if not name.startswith("."))
        yield from (path for path in visible if path.suffix.lower() in SUFFIXES)


def picture_problems(folder: Path, names: Sequence[str], max_pixels: int = MAX_PIXELS) -> dict[str, str]:
    """Check the headers of pictures, in parallel; decodes no pixels.

    Args:
        folder: of the pictures.
        names: as `find_pictures` gives them.
        max_pixels: larger pictures are a problem; the default is the size from which Pillow warns.

    Returns:
        Name -> reason for each picture that can't be used: damaged, too large, or not of 8 or 16 bits per channel.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # Pillow's own limit; max_pixels takes its place
        reasons = list(pool.map(lambda name: _problem(folder / name, max_pixels), names))
    return {name: reason for name, reason in zip(names, reasons, strict=True) if reason}


def _problem(path: Path, max_pixels: int) -> str | None:
    try:
        with Image.open(path) as image:
            (width, height), mode = image.size, image.mode
    except Exception as error:  # a damaged header fails in many ways
        return f"not readable ({first_line(error)})"
    if width * height > max_pixels:
        return f"{width}x{height} pixels, more than max_pixels={max_pixels}"
    if mode not in _EIGHT_BIT and not mode.startswith("I;16"):
        return f"pixels of kind {mode!r}, expected 8 or 16 bits per channel"
    return None


def picture_manifest(folder: Path, contents: bool = False) -> dict[str, Any]:
    """The pictures of a folder as a data set's `manifest()` needs them: their number, and a digest.

    Args:
        folder: as for `find_pictures`; its own path is no part of the digest, so that a data set may be moved.
        contents: digest the bytes of the files, instead of their names and sizes only, which is faster.

    Returns:
        `{"pictures": number, "digest": 32 hexadecimal digits}`.

    Raises:
        ToonlabError: if there is no such folder, or no picture in it.
    """
    digest, names = blake2b(digest_size=16), find_pictures(folder)
    for name in names:
        digest.update(os.fsencode(name) + f"\0{_mark(folder / name, contents)}\n".encode())
    return {"pictures": len(names), "digest": digest.hexdigest()}


def _mark(path: Path, contents: bool) -> str | int:
    """What identifies a file's state: a digest of its bytes, or its size."""
    if not path.exists():
        return -1  # a dangling link
    return blake2b(path.read_bytes(), digest_size=16).hexdigest() if contents else path.stat().st_size


def read_picture(path: Path, short_side: int | None = None, max_side: int | None = None) -> Tensor:
    """Decode a picture into `(3, H, W)` uint8 RGB; `toonlab.ops.levels.to_float` brings that to [-1, 1].

    The EXIF orientation is applied. Transparent pictures are composed on white. 16-bit values are scaled to 8 bits, not
    clipped. CMYK is converted without a colour profile. Of several frames or pages, the first is read.

    Args:
        path: the file.
        short_side: resize the shorter side to this many pixels, up or down (bicubic, antialiased).
        max_side: scale a picture with a longer side down to this many pixels, in the same way.

    Raises:
        ToonlabError: if the file can't be decoded, such as a truncated one.
    """
    try:
        with Image.open(path) as file:
            image = upright(file)
    except Exception as error:  # damaged pixels fail in many ways
        raise ToonlabError(f"{path}: can't be decoded ({first_line(error)}); repair or remove it") from error
    if short_side is not None:
        scale = short_side / min(image.size)
        width, height = (max(short_side, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return to_pixels(image, max_side)


def upright(image: Image.Image) -> Image.Image:
    """A picture of any mode as upright 8-bit RGB; see `read_picture`."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255
        gray = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((gray + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def to_pixels(image: Image.Image, max_side: int | None = None) -> Tensor:
    """8-bit RGB as `(3, H, W)` uint8; a longer side than `max_side` is scaled down to it (bicubic, antialiased)."""
    import torch  # not at the top: reports read and write pictures without it

    if max_side is not None and max(image.size) > max_side:
        image = image.resize(fitted(*image.size, max_side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def fitted(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size of a picture after scaling its longer side to `max_side`; the sides may come in either order."""
    scale = max_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_picture(image: Tensor) -> Image.Image:
    """`(3, H, W)` float in [-1, 1] (clipped to it) -> 8-bit RGB, rounded."""
    import torch

    array = ((image.detach().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(array.movedim(0, -1).contiguous().cpu().numpy())


def write_png(path: Path, picture: Image.Image) -> None:
    """Write a PNG atomically; creates its folder.

    Raises:
        OSError: if it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(temporary, "PNG")
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # its folder may be what is missing
            temporary.unlink()
        raise


def save_png(path: Path, picture: Image.Image) -> None:
    """`write_png` to a path that a user chose.

    Raises:
        ToonlabError: if it can't be written.
    """
    try:
        write_png(path, picture)
    except OSError as error:
        raise ToonlabError(f"{path}: can't be written: {error.strerror or error}; choose another folder") from error
