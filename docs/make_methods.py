"""Draw the README's picture, one photo through every method: `python docs/make_methods.py runs/ctss_vs_baselines`.

Writes docs/pictures/methods.webp from the pictures that the study's runs with seed 0 have left: the first sample of the
test split, with CTSS's patches outlined. `--sample N` takes another one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from toonlab.runs.pictures import SamplePictures, read_pictures

OUT = Path(__file__).parent / "pictures" / "methods.webp"
NAMES = {
    "ctss": "CTSS",
    "cartoongan": "CartoonGAN",
    "animegan": "AnimeGAN",
    "whitebox": "White-box",
    "plain": "plain GAN",
}
TILE, GAP, LABEL, COLUMNS = 288, 10, 26, 4  # px; tiles are whole multiples of 96
BOX = (255, 64, 64)


def sample(study: Path, recipe: str, index: int) -> SamplePictures:
    return read_pictures(next(study.glob(f"{recipe}-s0-*")))[index]


def tiles(study: Path, index: int) -> Iterator[tuple[str, Image.Image]]:
    first = sample(study, "ctss", index)
    yield "photo", tile(first.photo)
    for recipe, name in NAMES.items():
        made = sample(study, recipe, index)
        patches = [box for found in made.patches.values() for box in found.boxes]
        yield name, tile(made.fake, patches, made.width)
    yield "classic (not learned)", tile(sample(study, "classic", index).fake)
    assert first.truth is not None  # ToonWorld has it
    yield "true cartoon", tile(first.truth)


def tile(path: Path, boxes: list[tuple[int, int, int, int]] | None = None, width: int = 1) -> Image.Image:
    """A picture, enlarged with its pixels kept, and boxes (top, left, height, width) of a picture `width` px wide."""
    with Image.open(path) as picture:
        enlarged = picture.convert("RGB").resize((TILE, TILE), Image.Resampling.NEAREST)
    draw, scale = ImageDraw.Draw(enlarged), TILE / width
    for top, left, height, wide in boxes or ():
        corners = [left * scale, top * scale, (left + wide) * scale - 1, (top + height) * scale - 1]
        draw.rectangle(corners, outline=BOX, width=3)
    return enlarged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    options = parser.parse_args()
    drawn = list(tiles(options.study, options.sample))
    rows = -(-len(drawn) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (TILE + GAP) - GAP, rows * (TILE + LABEL + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for place, (name, picture) in enumerate(drawn):
        left, top = place % COLUMNS * (TILE + GAP), place // COLUMNS * (TILE + LABEL + GAP)
        sheet.paste(picture, (left, top))
        draw.text((left + TILE / 2, top + TILE + LABEL / 2), name, "black", font, anchor="mm")
    sheet.save(OUT, quality=88, method=6)


if __name__ == "__main__":
    main()
