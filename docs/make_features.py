"""Draw what features keep of a picture: `python docs/make_features.py`, about a minute.

Writes docs/pictures/inversions.png: a photo of ToonWorld, and pictures whose features are the photo's. Each begins gray
and is optimised until the L1 distance of its features to the photo's is small, with a little total variation. VGG's
weights are those of an untrained network, unless `--vgg19 FILE` gives trained ones.

With `--study runs/features` it writes docs/pictures/features-trained.webp, too: what short trainings with these
features made of three photos (`toonlab compare features`). With `--runs runs/ctss` it writes
docs/pictures/features-each.webp: what trainings of CTSS with each network made of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from toonlab import Features, discover, rng
from toonlab.images.io import to_picture
from toonlab.runs.pictures import read_pictures
from toonlab.utils.yaml import load_file

PICTURES = Path(__file__).parent / "pictures"
SIZE, SCENE, STEPS, GAP, LABEL = 128, 3, 300, 6, 16
EXTRACTORS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Lite0, blocks 2 + 4": ("efficientnet_lite0", {}),
    "Lite0, block 4": ("efficientnet_lite0", {"layers": (4,)}),
    "Lite0, block 10": ("efficientnet_lite0", {"layers": (10,)}),
    "VGG19 conv4_4, untrained": ("vgg19", {"weights": "random"}),
    "random": ("random", {}),
}
SAMPLES = (1, 3, 4)


def inverted(extractor: nn.Module, photo: Tensor) -> Tensor:
    """A picture with the photo's features, `(1, 3, H, W)` in [-1, 1]."""
    wanted = [layer.detach() for layer in Features(extractor).layers(photo)]
    scale = [float((layer - layer.roll(layer.shape[-1] // 2, -1)).abs().mean()) for layer in wanted]
    hidden = (0.01 * torch.randn(photo.shape, generator=rng(0, "inversion"))).requires_grad_()
    optimizer = torch.optim.Adam([hidden], 0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        picture = hidden.tanh()
        found = Features(extractor).layers(picture)
        loss = sum(F.l1_loss(a, b) / s for a, b, s in zip(found, wanted, scale, strict=True)) / len(found)
        loss = loss + (picture.diff(dim=2).abs().mean() + picture.diff(dim=3).abs().mean())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return hidden.detach().tanh()


def inversions(vgg19: Path | None) -> Image.Image:
    """The photo, and what each extractor keeps of it, in two rows of three."""
    catalogue = discover()
    data = catalogue.make("datasets", "toonworld", size=SIZE, evaluation_scenes=8)
    photo = data.evaluation()[SCENE].photo[None]
    tiles = {"photo": to_picture(photo[0])}
    for name, (use, parameters) in EXTRACTORS.items():
        if use == "vgg19" and vgg19 is not None:
            name, parameters = "VGG19 conv4_4", {"weights": str(vgg19)}
        made = inverted(catalogue.make("features", use, **parameters), photo)
        print(f"{name}: {F.l1_loss(made, photo):.3f} from the photo")
        tiles[name] = to_picture(made[0])
    return sheet(list(tiles.items()), 3)


def trained(study: Path) -> Image.Image:
    """What the trainings with seed 0 made of some photos: a row for each method, random features before Lite0's."""
    found: dict[tuple[str, bool], list[tuple[str, Image.Image]]] = {}
    for run in sorted(study.glob("*-s0-*")):
        recipe, pictures = load_file(run / "recipe.yaml"), read_pictures(run)
        name, lite0 = run.name.partition("-")[0], recipe["features"]["use"] == "efficientnet_lite0"
        title = f"{name}, {'Lite0' if lite0 else 'random'}"
        found[name, lite0] = [(title, opened(pictures[i].fake)) for i in SAMPLES]
        ends = [[(what, opened(getattr(pictures[i], what))) for i in SAMPLES] for what in ("photo", "truth")]
    rows = [ends[0], *(found[key] for key in sorted(found)), ends[1]]
    return sheet([tile for row in rows for tile in row], len(SAMPLES))


def each(runs: Path) -> Image.Image:
    """What trainings with seed 0 made of some photos: a row for each network of features."""
    rows = []
    for run in sorted(runs.rglob("ctss-s0-*")):
        pictures, name = read_pictures(run), load_file(run / "recipe.yaml")["features"]["use"]
        rows.append([(name, opened(pictures[i].fake)) for i in SAMPLES])
        ends = [[(what, opened(getattr(pictures[i], what))) for i in SAMPLES] for what in ("photo", "truth")]
    return sheet([tile for row in (ends[0], *rows, ends[1]) for tile in row], len(SAMPLES))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def sheet(tiles: list[tuple[str, Image.Image]], columns: int) -> Image.Image:
    """Pictures under their names, all of one size."""
    side = 2 * tiles[0][1].width
    rows = -(-len(tiles) // columns)
    made = Image.new("RGB", (columns * (side + GAP) - GAP, rows * (side + LABEL + GAP) - GAP), "white")
    for index, (name, tile) in enumerate(tiles):
        left, top = index % columns * (side + GAP), index // columns * (side + LABEL + GAP)
        ImageDraw.Draw(made).text((left + 2, top + 2), name, fill="black")
        made.paste(tile.resize((side, side), Image.Resampling.NEAREST), (left, top + LABEL))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vgg19", type=Path, help="weights of VGG19, in torchvision's convention")
    parser.add_argument("--study", type=Path, help="the directory of the study `features`")
    parser.add_argument("--runs", type=Path, help="a folder of trainings of CTSS with several networks")
    options = parser.parse_args()
    inversions(options.vgg19).quantize(256).save(PICTURES / "inversions.png", optimize=True)
    if options.study:
        trained(options.study).save(PICTURES / "features-trained.webp", quality=85, method=6)
    if options.runs:
        each(options.runs).save(PICTURES / "features-each.webp", quality=85, method=6)


if __name__ == "__main__":
    main()
