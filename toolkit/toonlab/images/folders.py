"""The pictures of a folder: which files they are, whether they can be used, and what identifies them."""

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from PIL import Image

from toonlab.errors import ToonlabError, first_line
from toonlab.utils.paths import unset_variable
from toonlab.utils.text import printable

from .io import PLUGINS, has_plugin, open_picture

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".jp2", ".tga", ".ppm", ".pgm", ".pnm", *PLUGINS}
)
CLIPS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".wmv", ".flv"}
)
"""Suffixes of clips."""
MAX_PIXELS = 89_478_485  # above it Pillow warns: a small file may unpack to more than fits in memory
_CONVERTED = frozenset({".svg", ".psd", ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"})
_EIGHT_BIT = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
_ENDS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 4096  # bytes at the end of a file in which its end is looked for


def find_pictures(folder: Path, required: bool = True) -> list[str]:
    """The paths of all pictures below a folder, relative to it, with forward slashes, sorted.

    The order is the same on every machine. Pictures are known by their suffix (in any case), files without a suffix by
    their content. Hidden files and folders are left out; links are followed, each folder once. One warning names what
    else is left out: files that are no regular ones, such as pipes, and pictures that Pillow can't open by itself.

    Args:
        folder: to look in.
        required: whether a folder without pictures is an error.

    Raises:
        ToonlabError: if there is no such folder, or no picture in it.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 (False for names that are too long)
        problem = "is not a folder" if os.path.lexists(folder) else "no such folder"
        if name := unset_variable(folder):
            problem = f"the environment variable {name} is not set; export {name}=FOLDER"
        raise ToonlabError(f"{printable(folder)}: {problem}")
    names, left = list[str](), dict[str, list[str]]()
    for path, reason in _walk(folder):
        name = path.relative_to(folder).as_posix()
        (names if reason is None else left.setdefault(reason, [])).append(name)
    left.pop("", None)
    listed = "; ".join(f"{_counted(sorted(found))}: {reason}" for reason, found in sorted(left.items()))
    if not names and required:
        kinds = ", ".join(sorted(SUFFIXES - PLUGINS.keys()))
        left_out = f"; left out: {listed}" if listed else ""
        raise ToonlabError(f"{printable(folder)}: no pictures in it ({kinds}, also in subfolders){left_out}")
    if listed:
        _warn_once(f"{printable(folder)}: left out: {listed}")
    return sorted(names)


def find_clips(folder: Path) -> list[str]:
    """The paths of all clips below a folder, known by their suffix, as `find_pictures` gives those of pictures."""
    files = [path for path, _ in _walk(folder) if is_clip(path.name) and path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in files)


def is_clip(name: str) -> bool:
    return Path(name).suffix.lower() in CLIPS


def _counted(names: Sequence[str]) -> str:
    return printable(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")


@cache
def _warn_once(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)


def picture_stem(name: str) -> str:
    """The name or path of a picture without its suffix: `sub/a.jpg` -> `sub/a`; other names stay as they are."""
    stem, dot, suffix = name.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in SUFFIXES else name


def _walk(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """All visible files below a folder, each with the reason to leave it out: None for pictures, "" for other files."""
    seen, closed = set(), list[OSError]()
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=closed.append):
        if (place := Path(parent).resolve()) in seen:  # a link to a parent folder would never end
            folders.clear()
            yield Path(parent), "links to a folder that is read already"
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from ((Path(parent, name), "is a folder") for name in folders if Path(name).suffix.lower() in SUFFIXES)
        visible = (Path(parent, name) for name in files if not name.startswith("."))
        yield from ((path, _reason_to_leave_out(path)) for path in visible)
    for error in closed:
        yield Path(str(error.filename)), f"can't be listed ({error.strerror})"


def _reason_to_leave_out(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in _CONVERTED:
        return f"{suffix} is not read; convert to PNG or JPEG"
    if suffix and suffix not in SUFFIXES:
        return ""
    if path.exists() and not path.is_file():  # a pipe would be waited for; a dangling link is a picture that is missing
        return "is no regular file"
    if suffix in PLUGINS and not has_plugin(suffix):
        return f"{suffix} needs a package: pip install {PLUGINS[suffix][1]}"
    return None if suffix or _is_picture(path) else ""


def _is_picture(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            open_picture(path).close()
    except Image.DecompressionBombError:
        return True
    except Exception:  # anything may be in a file without a suffix
        return False
    return True


def scan_pictures(
    folder: Path, names: Sequence[str], max_pixels: int = MAX_PIXELS, max_side: int | None = None
) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """Check the headers and the ends of pictures, in parallel; pixels are decoded if no end is found.

    Args:
        folder: of the pictures.
        names: as `find_pictures` gives them.
        max_pixels: larger pictures are a problem; the default is the size from which Pillow warns.
        max_side: as `read_picture` gets it: a JPEG that is decoded at a part of its size is as large as that part.

    Returns:
        Name -> (width, height), as stored in the file, of each picture that can be used, and name -> reason for each
        other: damaged, too large, or not of 8 or 16 bits per channel.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # Pillow's own limit; max_pixels takes its place
        found = list(pool.map(lambda name: _checked(folder / name, max_pixels, max_side), names))
    pairs = list(zip(names, found, strict=True))
    return (
        {name: one for name, one in pairs if isinstance(one, tuple)},
        {name: one for name, one in pairs if isinstance(one, str)},
    )


def picture_problems(folder: Path, names: Sequence[str], max_pixels: int = MAX_PIXELS) -> dict[str, str]:
    """Name -> reason for each picture that can't be used; see `scan_pictures`."""
    return scan_pictures(folder, names, max_pixels)[1]


def _checked(path: Path, max_pixels: int, max_side: int | None) -> tuple[int, int] | str:
    try:
        state = path.stat()
    except OSError as error:
        return f"not readable ({error.strerror})"
    mark = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    return _scanned(path, mark, max_pixels, max_side)


@lru_cache(maxsize=1 << 17)
def _scanned(path: Path, mark: tuple[int, ...], max_pixels: int, max_side: int | None) -> tuple[int, int] | str:
    """Remembered as long as the file, by its `mark`, stays the same: each cell of a comparison asks."""
    try:
        with open_picture(path) as image:
            size, mode = image.size, image.mode
            if not _has_end(path, image.format):
                image.load()  # raises if it is cut short; some programs append data of their own
        width, height = size
        if max_side is not None:
            with open_picture(path, max_side) as image:
                width, height = image.size
    except Image.DecompressionBombError as error:
        count = re.search(r"\d+", str(error))
        return f"{count[0] if count else 'too many'} pixels, more than max_pixels={max_pixels}"
    except Exception as error:  # a damaged header fails in many ways
        return f"not readable ({first_line(error)})"
    if width * height > max_pixels:
        return f"{size[0]}x{size[1]} pixels, more than max_pixels={max_pixels}"
    if mode not in _EIGHT_BIT and not mode.startswith("I;16"):
        return f"pixels of kind {mode!r}, expected 8 or 16 bits per channel"
    return size


def _has_end(path: Path, kind: str | None) -> bool:
    """Whether a file is seen to be whole; of some kinds it can't be."""
    with path.open("rb") as file:
        if kind == "WEBP":
            return path.stat().st_size >= 8 + int.from_bytes(file.read(8)[4:], "little")
        file.seek(max(0, path.stat().st_size - _TAIL))
        return kind in _ENDS and _ENDS[kind] in file.read()


def picture_manifest(folder: Path, contents: bool = False, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The pictures of a folder as a data set's `manifest()` needs them: their number, and a digest.

    Args:
        folder: as for `find_pictures`; its own path is no part of the digest, so that a data set may be moved.
        contents: digest the bytes of the files, instead of their names and sizes only, which is faster.
        names: of the pictures that are used; all of `find_pictures` if not given.

    Returns:
        `{"pictures": number, "digest": 32 hexadecimal digits}`.

    Raises:
        ToonlabError: if there is no such folder, or no picture in it.
    """
    digest, names = blake2b(digest_size=16), find_pictures(folder) if names is None else names
    for name in names:
        digest.update(os.fsencode(name) + f"\0{_mark(folder / name, contents)}\n".encode())
    return {"pictures": len(names), "digest": digest.hexdigest()}


def _mark(path: Path, contents: bool) -> str | int:
    """What identifies a file's state: a digest of its bytes, or its size."""
    if not path.exists():
        return -1  # a dangling link
    return blake2b(path.read_bytes(), digest_size=16).hexdigest() if contents else path.stat().st_size
