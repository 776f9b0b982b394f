"""Draw the gallery: `python docs/make_photos.py runs/equal_budgets`, photos through every method of a study.

The photos are in the public domain and come with scikit-image, which toonlab needs anyway; `--photos DIR` writes their
files to try other runs on. Writes docs/pictures/gallery-NAME.webp.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import skimage.data
from PIL import Image, ImageDraw

from toonlab import open_run
from toonlab.images.canvas import font
from toonlab.studies.results.results import StudyResults

OUT = Path(__file__).parent / "pictures"
PHOTOS = ("coffee", "astronaut", "chelsea", "rocket")
NAMES = {
    "ctss": "CTSS",
    "cartoongan": "CartoonGAN",
    "animegan": "AnimeGAN",
    "whitebox": "White-box",
    "plain": "plain GAN",
}
SIDE, WIDTH, GAP, LABEL, COLUMNS = 320, 360, 10, 26, 3  # px; cartoonized at SIDE, shown at WIDTH


def photo(name: str) -> Image.Image:
    picture = Image.fromarray(getattr(skimage.data, name)())
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return picture


def run_of(study: Path, recipe: str) -> Path:
    """The run of the recipe's winner, or of its default where that won, with the first seed."""
    cells = [cell for cell in StudyResults.read(study).cells if cell.variant.recipe == recipe]
    return study / [cell for cell in cells if cell.seed == cells[0].seed][-1].run


def sheet(tiles: list[tuple[str, Image.Image]]) -> Image.Image:
    height = WIDTH * tiles[0][1].height // tiles[0][1].width
    rows = -(-len(tiles) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * (WIDTH + GAP) - GAP, rows * (height + LABEL + GAP) - GAP), "white")
    draw = ImageDraw.Draw(whole)
    for place, (name, picture) in enumerate(tiles):
        left, top = place % COLUMNS * (WIDTH + GAP), place // COLUMNS * (height + LABEL + GAP)
        draw.text((left, top + 3), name, fill="black", font=font(16))
        whole.paste(picture.resize((WIDTH, height), Image.Resampling.LANCZOS), (left, top + LABEL))
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, nargs="?")
    parser.add_argument("--photos", type=Path, help="write the photos there")
    given = parser.parse_args()
    for name in PHOTOS:
        if given.photos:
            given.photos.mkdir(parents=True, exist_ok=True)
            photo(name).save(given.photos / f"{name}.png")
        if given.study:
            runs = {shown: open_run(run_of(given.study, recipe)) for recipe, shown in NAMES.items()}
            tiles = [("photo", photo(name))]
            tiles += [(shown, run.cartoonize(photo(name), device="cpu")) for shown, run in runs.items()]
            sheet(tiles).save(OUT / f"gallery-{name}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
