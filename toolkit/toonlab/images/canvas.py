"""Sheets of captioned pictures in rows, with boxes drawn on images, and heat maps with a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

if TYPE_CHECKING:
    from torch import Tensor  # sheets of pictures need no torch

MARGIN, GAP, TEXT = 20, 16, 15
INK, FAINT, PAPER = "#202020", "#6b6b6b", "#ffffff"
# Okabe and Ito's palette, "Color Universal Design", which colour-blind people can distinguish
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")

Box = tuple[int, int, int, int]  # top, left, height, width
Corners = tuple[int, int, int, int]  # left, top, right, bottom, all inside


@dataclass(frozen=True)
class Tile:
    """A picture with a caption above it."""

    caption: str
    picture: Image.Image

    @property
    def width(self) -> int:
        return max(self.picture.width, int(font(TEXT).getlength(self.caption)))


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def scaled(picture: Image.Image, factor: float) -> Image.Image:
    """Enlarge by repeating pixels, which keeps their values, or reduce with antialiasing."""
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.LANCZOS)


def factor_for(size: Sequence[int], side: int) -> float:
    """The factor that scales the longer side of a size to about `side` pixels; a whole number if it enlarges."""
    factor = side / max(size)
    return float(int(factor)) if factor >= 1 else factor


def with_boxes(picture: Image.Image, boxes: Sequence[Box], labels: Sequence[str], factor: float = 1.0) -> Image.Image:
    """A scaled picture with boxes, in pixels of the unscaled one, each labelled in a corner; the first box is on top.

    A frame covers the outermost pixels inside its box.
    """
    drawn = scaled(picture, factor)
    draw = ImageDraw.Draw(drawn)
    line = max(2, round(min(drawn.size) / 160))
    corners = [_corners(box, factor) for box in boxes]
    for (left, top, right, bottom), color in reversed(list(zip(corners, colors(len(boxes)), strict=True))):
        inner = (left + line, top + line, right - line, bottom - line)
        if inner[0] < inner[2] and inner[1] < inner[3]:
            draw.rectangle(inner, outline="black")  # contrast for a light frame on a light picture
        draw.rectangle((left, top, right, bottom), outline=color, width=line)
    _tag(draw, corners, labels)
    return drawn


def _corners(box: Box, factor: float) -> Corners:
    """The first and the last pixel of a scaled box."""
    top, left, height, width = box
    first = (round(left * factor), round(top * factor))
    last = (round((left + width) * factor) - 1, round((top + height) * factor) - 1)
    return (*first, max(last[0], first[0]), max(last[1], first[1]))


def _tag(draw: ImageDraw.ImageDraw, corners: Sequence[Corners], labels: Sequence[str]) -> None:
    """Write each label into the first corner of its box that no earlier label occupies."""
    taken: list[Corners] = []
    for box, label, color in zip(corners, labels, colors(len(labels)), strict=True):
        places = _tag_places(box, round(draw.textlength(label, font(TEXT))) + 9, TEXT + 5)
        place = next((place for place in places if not any(_overlap(place, other) for other in taken)), places[0])
        draw.rectangle(place, fill=color)
        middle = (place[1] + place[3]) / 2 + 1
        ink = "black" if ImageColor.getcolor(color, "L") > 120 else "white"  # type: ignore[operator]
        draw.text((place[0] + 5, middle), label, ink, font(TEXT), anchor="lm")
        taken.append(place)


def _tag_places(box: Corners, width: int, height: int) -> list[Corners]:
    """The position of a tag in each corner of a box: top left, bottom left, top right, bottom right."""
    left, top, right, bottom = box
    return [
        (x, y, x + width, y + height)
        for x in (left, max(left, right - width))
        for y in (top, max(top, bottom - height))
    ]


def _overlap(one: Corners, other: Corners) -> bool:
    apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
    return not apart


def colors(count: int) -> list[str]:
    """A colour for each of `count` boxes, in the order of the palette, repeated."""
    return [PALETTE[i % len(PALETTE)] for i in range(count)]


def heat_map(values: Tensor, low: float, high: float, factor: float = 1.0) -> Image.Image:
    """A map, `(H, W)`, scaled, in the colours of "inferno", with its scale to the right.

    Values are black up to `low`, and light yellow from `high` on.
    """
    span = max(high - low, 1e-12)
    levels = ((values.detach().cpu().float() - low) / span * 255).clamp(0, 255).round().byte().numpy()
    picture = scaled(_inferno(levels), factor)
    bar = _inferno(np.linspace(255, 0, picture.height).round().astype(np.uint8)[:, None]).resize((14, picture.height))
    left, width = picture.width + 8 + bar.width + 6, max(font(TEXT).getlength(number(value)) for value in (low, high))
    whole = Image.new("RGB", (left + int(width), picture.height), PAPER)
    whole.paste(picture, (0, 0))
    whole.paste(bar, (picture.width + 8, 0))
    draw = ImageDraw.Draw(whole)
    draw.text((left, 0), number(high), FAINT, font(TEXT), anchor="lt")
    draw.text((left, picture.height), number(low), FAINT, font(TEXT), anchor="lb")
    return whole


def _inferno(levels: np.ndarray) -> Image.Image:
    import cv2

    return Image.fromarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1].copy())


def number(value: float) -> str:
    """`1,530`, `0.962`: three significant digits, or all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def compose(title: str, rows: Sequence[Sequence[Tile]], note: str = "") -> Image.Image:
    """Rows of tiles below a title and a note."""
    rows = [row for row in rows if row]
    head = MARGIN + 38 + (24 if note else 0)
    heights = [TEXT + 8 + max(tile.picture.height for tile in row) for row in rows]
    widths = [sum(tile.width for tile in row) + GAP * (len(row) - 1) for row in rows]
    wide = max(*widths, int(font(20).getlength(title)), int(font(TEXT).getlength(note)))
    sheet = Image.new("RGB", (wide + 2 * MARGIN, head + sum(heights) + GAP * (len(rows) - 1) + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, font(20), anchor="lt")
    draw.text((MARGIN, MARGIN + 30), note, FAINT, font(TEXT), anchor="lt")
    top = head
    for row, height in zip(rows, heights, strict=True):
        left = MARGIN
        for tile in row:
            draw.text((left, top), tile.caption, INK, font(TEXT), anchor="lt")
            sheet.paste(tile.picture, (left, top + TEXT + 8))
            left += tile.width + GAP
        top += height + GAP
    return sheet
