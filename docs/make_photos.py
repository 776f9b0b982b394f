"""Draw the gallery: `python docs/make_photos.py runs/demo --photos photos`, photos through every method of a study.

`--photos DIR` gets four photos in the public domain that come with scikit-image, which toonlab needs anyway;
ToonWorld's are added by `toonlab compare demo --photos DIR`. The sheets are docs/pictures/gallery-METHOD.webp.
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
RENDERED = 5
SIDE, HEIGHT = 256, 288  # px: the longer side when cartoonized, and the height on a sheet


def photo(name: str) -> Image.Image:
    picture = Image.fromarray(getattr(skimage.data, name)())
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return picture


def run_of(study: Path, recipe: str) -> Path:
    return study / next(cell for cell in StudyResults.read(study).cells if cell.variant.recipe == recipe).run


def tile(caption: str, picture: Image.Image) -> Tile:
    size = (HEIGHT * picture.width // picture.height, HEIGHT)
    return Tile(caption, picture.resize(size, Image.Resampling.LANCZOS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, nargs="?")
    parser.add_argument("--photos", type=Path, required=True)
    given = parser.parse_args()
    given.photos.mkdir(parents=True, exist_ok=True)
    for name in PHOTOS:
        photo(name).save(given.photos / f"{name}.png")
    rendered = sorted(given.photos.glob("toonworld-*.png"))[:RENDERED]
    for recipe, shown in NAMES.items() if given.study else ():
        run, rows = open_run(run_of(given.study, recipe)), []
        for paths in (rendered, [given.photos / f"{name}.png" for name in PHOTOS]):
            rows.append([tile("photo", Image.open(path)) for path in paths])
            rows.append([tile(shown, run.cartoonize(path, device="cpu")) for path in paths])
        compose(shown, rows).save(OUT / f"gallery-{recipe}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
