"""Picture files: finding them, looking at their headers, and turning whatever they hold into 8-bit RGB."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from toonlab.errors import ToonlabError, first_line

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MAX_PIXELS = 89_478_485  # a small file may unpack to more than fits in memory; where Pillow begins to warn
PILLOW_LIMIT = 178_956_970  # pixels; above it Pillow refuses to open a picture
_EIGHT_BIT = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})


def find_pictures(folder: Path) -> list[str]:
    """Paths of all pictures below a folder, relative and with forward slashes, sorted: the same order everywhere.

    By suffix, in any case. Hidden files and folders are left out; links are followed, each folder once.

    Raises:
        ToonlabError: if there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise ToonlabError(f"{folder}: {'is not a folder' if folder.exists() else 'no such folder'}")
    names = sorted(path.relative_to(folder).as_posix() for path in _walk(folder))
    if not names:
        raise ToonlabError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))}, also in subfolders)")
    return names


def without_suffix(name: str) -> str:
    """The name or path of a picture without the suffix, if it has a picture's: `sub/a.jpg` -> `sub/a`."""
    stem, dot, suffix = name.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in SUFFIXES else name


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        if (place := Path(parent).resolve()) in seen:  # a link back up would go on for ever
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = (Path(parent, name) for name in files if not name.startswith("."))
        yield from (path for path in visible if path.suffix.lower() in SUFFIXES)


def complaints(folder: Path, names: Sequence[str], max_pixels: int) -> dict[str, str]:
    """What the headers say against some of the pictures: name -> reason. Decodes no pixels."""
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # Pillow's own limit: ours is given below
        reasons = list(pool.map(lambda name: _complaint(folder / name, max_pixels), names))
    return {name: reason for name, reason in zip(names, reasons, strict=True) if reason}


def _complaint(path: Path, max_pixels: int) -> str | None:
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


def read_picture(path: Path, short_side: int | None = None, max_side: int | None = None) -> Tensor:
    """Decode a picture into `(3, H, W)` uint8 RGB, upright.

    The EXIF orientation is applied. Transparency is laid on white. 16-bit values are scaled to 8 bits, not clipped.
    CMYK is converted without a colour profile. Of several frames or pages, the first counts.

    Args:
        path: the file.
        short_side: if given, the shorter side is resized to this many pixels, up or down (bicubic, antialiased).
        max_side: if given, a longer side than this is scaled down to it, in the same way.

    Raises:
        ToonlabError: if the file can't be decoded, such as a truncated one.
    """
    try:
        with Image.open(path) as file:
            image = upright(file)
    except Exception as error:  # damaged pixels fail in many ways
        raise ToonlabError(f"{path}: can't be decoded ({first_line(error)}); repair or remove it") from error
    if short_side is not None:
        image = _resize(image, short_side)
    return to_pixels(image, max_side)


def upright(image: Image.Image) -> Image.Image:
    """A picture of any kind as 8-bit RGB: see `read_picture`."""
    return _to_rgb(ImageOps.exif_transpose(image))


def to_pixels(image: Image.Image, max_side: int | None = None) -> Tensor:
    """8-bit RGB as `(3, H, W)` uint8; a longer side than `max_side` is scaled down to it (bicubic, antialiased)."""
    import torch  # not at the top: reports read and write pictures without it

    if max_side is not None and max(image.size) > max_side:
        image = image.resize(fitted(*image.size, max_side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255
        gray = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((gray + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _resize(image: Image.Image, short_side: int) -> Image.Image:
    scale = short_side / min(image.size)
    width, height = (max(short_side, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def fitted(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size of a picture scaled so that its longer side is `max_side`; either order of the sides."""
    scale = max_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_picture(image: Tensor) -> Image.Image:
    """`(3, H, W)` float in [-1, 1] (clipped to it) -> 8-bit RGB, rounded."""
    import torch

    array = ((image.detach().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(array.movedim(0, -1).contiguous().cpu().numpy())


def write_png(path: Path, picture: Image.Image) -> None:
    """Write a PNG, whole or not at all, into a folder that is made where it is missing.

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
    """As `write_png`, for a path that a user chose.

    Raises:
        ToonlabError: if it can't be written.
    """
    try:
        write_png(path, picture)
    except OSError as error:
        raise ToonlabError(f"{path}: can't be written: {error.strerror or error}; choose another folder") from error
