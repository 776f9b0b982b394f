"""Draw what every sampler chooses in the same pictures: `python docs/make_gallery.py`.

Writes docs/pictures/samplers.webp: two scenes of ToonWorld, each as a cartoon (the real side of a critic) and as a
photo (its fake side). `hard_patches` asks a critic, so a small one first learns for some seconds to tell such cartoons
from such photos.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from toonlab import Catalogue, Context, Views, discover, rng
from toonlab.images.canvas import Tile, colors, compose, heat_map, scaled, with_boxes
from toonlab.images.io import to_picture
from toonlab.images.patch_panels import PatchPanels, patch_panels

OUT = Path(__file__).parent / "pictures" / "samplers.webp"
SCENES, SIZE, PANEL, GAP = (13, 11), 256, 168, 6
MANY = 8  # boxes
PATCH = {"patch_size": 64, "k": 3}
SAMPLERS = {
    "whole": {},
    "random_patches": PATCH,
    "grid_patches": {"patch_size": 64},
    "edge_maximum": PATCH,
    "ctss": PATCH,
    "saliency_nms": PATCH,
    "saliency_random": PATCH,
    "ctss_multiscale": {"patch_size": 64, "k": 1, "rank": "image", "scales": [0.75, 1.25, 1.75]},
    "hard_patches": PATCH,
}


def main() -> None:
    torch.set_num_threads(2)
    catalogue = discover()
    samples = catalogue.make("datasets", "toonworld", size=SIZE, evaluation_scenes=48).evaluation()
    cartoons, photos = (
        torch.stack([picture(sample) for sample in samples])
        for picture in (lambda sample: sample.truth.cartoon, lambda sample: sample.photo)
    )
    critic, representation = trained(catalogue, cartoons, photos), catalogue.make("representations", "gray_minmax")
    scenes = list(SCENES)
    real, fake = cartoons[scenes], photos[scenes]
    context = Context(fake, critic, rng(0, "gallery"), 0, representation)
    tiles = [Tile("the pictures", block([plain(image) for image in pairs(real, fake)]))]
    for name in ("edge_maximum", "ctss"):
        tiles.append(Tile(f"saliency of {name}", block(maps(catalogue.make("samplers", name), real, fake))))
    for name, parameters in SAMPLERS.items():
        sampler = catalogue.make("samplers", name, **parameters)
        views = sampler(Views(real, fake, context=context))
        seen = [patch_panels(images, views, side, sampler) for images, side in ((real, "real"), (fake, "fake"))]
        tiles.append(Tile(name, block([chosen(shown) for shown in pairs(*seen)])))
    note = "Left: cartoons, the real side. Right: photos, in place of fakes. Numbers: the order within an image."
    sheet = compose("What each sampler chooses", [tiles[i : i + 3] for i in range(0, len(tiles), 3)], note)
    sheet.save(OUT, quality=80, method=6)
    print(f"{OUT}: {sheet.width}x{sheet.height}, {OUT.stat().st_size / 1000:.0f} kB")


def trained(catalogue: Catalogue, real: Tensor, fake: Tensor, steps: int = 200) -> nn.Module:
    """CTSS's patch critic, narrow, after some steps on random gray patches."""
    torch.manual_seed(0)
    critic = catalogue.make("discriminators", "ctss_patch", in_channels=1, width=8)
    sampler = catalogue.make("samplers", "random_patches", patch_size=64, k=2)
    representation = catalogue.make("representations", "gray_minmax")
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    for step in range(steps):
        draw = rng(0, "critic", step)
        chosen = torch.randint(len(real), (2, 4), generator=draw)
        context = Context(fake, critic, draw, step)
        views = representation(sampler(Views(real[chosen[0]], fake[chosen[1]], context=context)))
        optimizer.zero_grad()
        answers = critic(views.real), critic(views.fake)
        (F.mse_loss(answers[0], torch.ones_like(answers[0])) + answers[1].square().mean()).backward()
        optimizer.step()
    return critic.eval()


def pairs(real: Iterable[Any], fake: Iterable[Any]) -> list[Any]:
    """Scene by scene: its cartoon, its photo."""
    return [one for scene in zip(real, fake, strict=True) for one in scene]


def plain(image: Tensor) -> Image.Image:
    return scaled(to_picture(image), PANEL / SIZE)


def chosen(shown: PatchPanels) -> Image.Image:
    """The boxes with their ranks; of many the frames alone, since tags would hide the picture."""
    if len(shown.boxes) <= MANY:
        return with_boxes(to_picture(shown.image), shown.boxes, shown.ranks, PANEL / SIZE)
    picture = plain(shown.image)
    for (top, left, height, width), color in zip(shown.boxes, colors(len(shown.boxes)), strict=True):
        corners = [round(edge * PANEL / SIZE) for edge in (left, top, left + width, top + height)]
        ImageDraw.Draw(picture).rectangle((*corners[:2], corners[2] - 1, corners[3] - 1), outline=color, width=2)
    return picture


def maps(sampler: Any, real: Tensor, fake: Tensor) -> list[Image.Image]:
    """Each side on its own scale, as patches are ranked; without the map's scale."""
    drawn = []
    for images in (real, fake):
        saliency = sampler.saliency(images)
        top = saliency.max().item()
        drawn.append([heat_map(one, 0, top, PANEL / SIZE).crop((0, 0, PANEL, PANEL)) for one in saliency])
    return pairs(*drawn)


def block(pictures: list[Image.Image]) -> Image.Image:
    """Two columns, without captions."""
    whole = Image.new("RGB", (2 * PANEL + GAP, len(pictures) // 2 * (PANEL + GAP) - GAP), "white")
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place % 2 * (PANEL + GAP), place // 2 * (PANEL + GAP)))
    return whole


if __name__ == "__main__":
    main()
