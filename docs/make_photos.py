"""Draw the gallery: `python docs/make_photos.py runs/equal_budgets`, photos through every method of a study.

The photos are in the public domain and come with scikit-image, which toonlab needs anyway; `--photos DIR` writes their
files to try other runs on. Writes docs/pictures/gallery-NAME.webp.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import skimage.data
from PIL import Image

from toonlab import open_run
from toonlab.images.canvas import Tile, compose
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
SIDE, WIDTH, COLUMNS = 320, 360, 3  # px; cartoonized at SIDE, shown at WIDTH


def photo(name: str) -> Image.Image:
    picture = Image.fromarray(getattr(skimage.data, name)())
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return picture


def run_of(study: Path, recipe: str) -> Path:
    """The run of the recipe's winner, or of its default where that won, with the first seed."""
    cells = [cell for cell in StudyResults.read(study).cells if cell.variant.recipe == recipe]
    return study / [cell for cell in cells if cell.seed == cells[0].seed][-1].run


def tile(caption: str, picture: Image.Image) -> Tile:
    return Tile(caption, picture.resize((WIDTH, WIDTH * picture.height // picture.width), Image.Resampling.LANCZOS))


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
            tiles = [tile("photo", photo(name))]
            tiles += [tile(shown, run.cartoonize(photo(name), device="cpu")) for shown, run in runs.items()]
            sheet = compose(name, [tiles[:COLUMNS], tiles[COLUMNS:]])
            sheet.save(OUT / f"gallery-{name}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
