"""Draw the pictures of the methods: `python docs/make_methods.py runs/demo --sample 4`.

From the pictures that the study's runs with seed 0 have left: docs/pictures/methods-STUDY.webp, one sample of the test
split through every method, with CTSS's patches outlined; and for the cards of some methods the first six samples, if
the study has them (`runs/ideas_on_one_backbone`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from toonlab.runs.pictures import SamplePictures, read_pictures

OUT = Path(__file__).parent / "pictures"
NAMES = {
    "ctss": "CTSS",
    "cartoongan": "CartoonGAN",
    "animegan": "AnimeGAN",
    "animegan_v2": "AnimeGANv2",
    "whitebox": "White-box",
    "cyclegan": "CycleGAN",
    "cut": "CUT",
    "plain": "plain GAN",
    "pix2pix": "pix2pix (supervised)",
}
CARDS = {  # the rows between photos and truth
    "animegan_v2": ["animegan", "animegan_v2"],
    "cyclegan": ["cyclegan", "cyclegan_salient"],
    "cut": ["cut", "fastcut", "cut_salient"],
    "pix2pix": ["plain", "pix2pix"],
}
TILE, GAP, LABEL, COLUMNS = 288, 10, 26, 4  # px; tiles are whole multiples of 96
BOX = (255, 64, 64)


def has(study: Path, recipe: str) -> bool:
    return any(study.glob(f"{recipe}-s0-*"))


def sample(study: Path, recipe: str, index: int) -> SamplePictures:
    return read_pictures(next(study.glob(f"{recipe}-s0-*")))[index]


def tiles(study: Path, index: int) -> Iterator[tuple[str, Image.Image]]:
    first = sample(study, "ctss", index)
    yield "photo", tile(first.photo)
    for recipe, name in ((recipe, name) for recipe, name in NAMES.items() if has(study, recipe)):
        made = sample(study, recipe, index)
        patches = [box for found in made.patches.values() for box in found.boxes]
        yield name, tile(made.fake, patches, made.width)
    yield "classic (not learned)", tile(sample(study, "classic", index).fake)
    assert first.truth is not None  # ToonWorld has it
    yield "true cartoon", tile(first.truth)


def rows(study: Path, recipes: list[str]) -> Iterator[list[Path]]:
    """The first six photos, what each recipe makes of them, and the true cartoons."""
    made = {recipe: [sample(study, recipe, index) for index in range(6)] for recipe in recipes}
    first = made[recipes[0]]
    yield [each.photo for each in first if each.photo]
    yield from ([each.fake for each in samples] for samples in made.values())
    yield [each.truth for each in first if each.truth]


def card(study: Path, recipes: list[str]) -> Image.Image:
    """The rows, half as large as the README's tiles and without labels: the text names them."""
    found, side = list(rows(study, recipes)), TILE // 2
    sheet = Image.new("RGB", (6 * (side + 4) - 4, len(found) * (side + 4) - 4), "white")
    for down, row in enumerate(found):
        for right, path in enumerate(row):
            picture = tile(path).resize((side, side), Image.Resampling.BOX)
            sheet.paste(picture, (right * (side + 4), down * (side + 4)))
    return sheet


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
    height = -(-len(drawn) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (TILE + GAP) - GAP, height * (TILE + LABEL + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for place, (name, picture) in enumerate(drawn):
        left, top = place % COLUMNS * (TILE + GAP), place // COLUMNS * (TILE + LABEL + GAP)
        sheet.paste(picture, (left, top))
        draw.text((left + TILE / 2, top + TILE + LABEL / 2), name, "black", font, anchor="mm")
    sheet.save(OUT / f"methods-{options.study.name}.webp", quality=88, method=6)
    for name, recipes in ((name, recipes) for name, recipes in CARDS.items() if has(options.study, name)):
        card(options.study, recipes).save(OUT / f"method-{name}.webp", quality=85, method=6)


if __name__ == "__main__":
    main()
