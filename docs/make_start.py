"""Cut the picture of the first page out of that of the comparison: `python docs/make_start.py`.

Writes docs/pictures/start.webp: the rows photo, CTSS and truth of docs/pictures/comparison.webp, all six scenes.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parent / "pictures"
LEFT, TOP, TILE, GAP, SCENES = 85, 4, 192, 4, 6  # pixels of comparison.webp
ROWS = (0, 6, 10)  # photo, CTSS, truth


def main() -> None:
    pitch = TILE + GAP
    size = (SCENES * pitch - GAP, len(ROWS) * pitch - GAP)
    sheet = Image.new("RGBA", size)
    with Image.open(PICTURES / "comparison.webp") as comparison:
        for y, row in enumerate(ROWS):
            for column in range(SCENES):
                left, top = LEFT + column * pitch, TOP + row * pitch
                sheet.paste(comparison.crop((left, top, left + TILE, top + TILE)), (column * pitch, y * pitch))
    sheet.save(PICTURES / "start.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
