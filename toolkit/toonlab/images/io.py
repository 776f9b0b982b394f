"""Picture files: decoding any kind of picture into 8-bit sRGB, and writing PNG files."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import blake2b
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from toonlab.errors import ToonlabError, first_line
from toonlab.utils.text import printable

if TYPE_CHECKING:
    from torch import Tensor

PLUGINS = {  # suffixes that Pillow opens with a further package -> its module, and its name for pip
    ".heic": ("pillow_heif", "pillow-heif"),
    ".heif": ("pillow_heif", "pillow-heif"),
    ".jxl": ("pillow_jxl", "pillow-jxl-plugin"),
}
_SAME = 3  # levels: a profile that changes no colour by more is sRGB


@cache
def has_plugin(suffix: str) -> bool:
    """Whether the package for a suffix of `PLUGINS` is installed; Pillow opens such files afterwards."""
    try:
        module = import_module(PLUGINS[suffix][0])
    except ImportError:
        return False
    getattr(module, "register_heif_opener", bool)()  # the other one registers itself
    return True


def open_picture(path: Path, max_side: int | None = None) -> Image.Image:
    """Open a picture with Pillow, which reads its header only.

    A JPEG whose pixels will be scaled down to `max_side` is decoded at a half, a quarter or an eighth of its size, but
    at least at twice `max_side`. PostScript is refused: Pillow would start a program that runs it.
    """
    if (suffix := path.suffix.lower()) in PLUGINS:
        has_plugin(suffix)
    image = Image.open(path)
    if image.format == "EPS":
        image.close()
        raise UnidentifiedImageError("it is PostScript; convert it first")
    if max_side is not None and max(image.size) > max_side:
        width, height = fitted(*image.size, max_side)
        image.draft(None, (2 * width, 2 * height))
    return image


def allow_pixels(count: int) -> None:
    """Let Pillow open pictures of `count` pixels; by default it warns above 89 million, and refuses twice as many."""
    Image.MAX_IMAGE_PIXELS = max(count, Image.MAX_IMAGE_PIXELS or 0)


def read_picture(path: Path, short_side: int | None = None, max_side: int | None = None) -> Tensor:
    """Decode a picture into `(3, H, W)` uint8 RGB; `toonlab.ops.levels.to_float` brings that to [-1, 1].

    The EXIF orientation is applied. Colours are converted to sRGB by the picture's profile, of RGB, gray or CMYK; CMYK
    without a profile is converted by arithmetic. Transparent pictures are composed on white. 16-bit values are scaled
    to 8 bits, not clipped. Of several frames or pages, the first is read.

    Args:
        path: the file.
        short_side: resize the shorter side to this many pixels, up or down (bicubic, antialiased).
        max_side: scale a picture with a longer side down to this many pixels, in the same way; see `open_picture`.

    Raises:
        ToonlabError: if the file can't be decoded, such as a truncated one.
    """
    try:
        with open_picture(path, max_side) as file:
            image = upright(file)
    except Exception as error:  # damaged pixels fail in many ways
        raise ToonlabError(f"{printable(path)}: can't be decoded ({first_line(error)}); repair or remove it") from error
    if short_side is not None:
        scale = short_side / min(image.size)
        width, height = (max(short_side, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return to_pixels(image, max_side)


def upright(image: Image.Image) -> Image.Image:
    """A picture of any mode as upright 8-bit sRGB; see `read_picture`."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255
        gray = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((gray + 128) // 257).astype(np.uint8))
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "CMYK" if image.mode == "CMYK" else "RGB"
    image = image.convert("RGBA") if (transparent := image.has_transparency_data) else image
    transform = _to_srgb(profile, mode) if profile else None
    colors = _converted(image.convert(mode), transform) if transform else image.convert("RGB")
    if not transparent:
        return colors
    colors.putalpha(image.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), colors).convert("RGB")


def _converted(image: Image.Image, transform: Any) -> Image.Image:
    from PIL import ImageCms

    colors: Image.Image = ImageCms.applyTransform(image, transform)  # type: ignore[assignment]
    return colors


@lru_cache(maxsize=64)
def _to_srgb(profile: bytes, mode: str) -> Any:
    """The conversion of a profile's colours to sRGB; None if it is sRGB by any name, of another mode, or damaged."""
    from PIL import ImageCms

    try:
        source = ImageCms.getOpenProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != {"L": "GRAY"}.get(mode, mode):
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    grid = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)).convert(mode)
    change = np.asarray(_converted(grid, transform)).astype(int) - np.asarray(grid.convert("RGB"))
    return transform if np.abs(change).max() > _SAME else None


def read_alpha(path: Path, size: tuple[int, int]) -> Image.Image | None:
    """The opacity of a picture as upright 8-bit gray of a size, width first; None if it is opaque."""
    with open_picture(path) as file:
        if not file.has_transparency_data:
            return None
        return ImageOps.exif_transpose(file).convert("RGBA").getchannel("A").resize(size, Image.Resampling.BICUBIC)


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
    """`(3, H, W)` float in [-1, 1] (clipped to it) -> 8-bit RGB, rounded; whole levels, uint8, stay as they are."""
    import torch

    whole = image.dtype == torch.uint8
    array = image if whole else ((image.detach().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(array.movedim(0, -1).contiguous().cpu().numpy())


def write_png(path: Path, picture: Image.Image) -> None:
    """Write a PNG atomically; creates its folder.

    Raises:
        OSError: if it can't be written.
    """
    mark = blake2b(os.fsencode(path.name), digest_size=8).hexdigest()  # the name itself may be as long as names can be
    temporary = path.with_name(f".{mark}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(temporary, "PNG", compress_level=4)  # 2 % larger than with 6, in half the time
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
        text = f"{printable(path)}: can't be written: {error.strerror or error}; choose another folder"
        raise ToonlabError(text) from error
