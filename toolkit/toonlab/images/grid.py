"""Sheets of rows of pictures with their names at the left."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from . import canvas

Row = tuple[str, Sequence[Image.Image]]
_GAP = 4


def grid(rows: Sequence[Row], side: int = 192) -> Image.Image:
    """The rows as one picture; large pictures are scaled to `side` pixels, small ones by whole factors up to it."""
    scaled = [[canvas.scaled(one, canvas.factor_for(one.size, side)) for one in pictures] for _, pictures in rows]
    font = canvas.font(13)
    margin = 14 + max(int(font.getlength(name)) for name, _ in rows)
    widths = [max(row[i].width for row in scaled if i < len(row)) for i in range(max(map(len, scaled)))]
    heights = [max(picture.height for picture in row) for row in scaled]
    size = margin + sum(width + _GAP for width in widths), _GAP + sum(height + _GAP for height in heights)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    top = _GAP
    for (name, _), row, height in zip(rows, scaled, heights, strict=True):
        draw.text((7, top + height // 2), name, "black", font, anchor="lm")
        left = margin
        for picture, width in zip(row, widths, strict=False):
            sheet.paste(picture, (left, top))
            left += width + _GAP
        top += height + _GAP
    return sheet
