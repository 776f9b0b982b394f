"""What a patch critic's sampler costs: a whole training step of CTSS with each, beside random patches.

    python benchmarks/samplers.py [--size 128] [--batch 2] [--repeat 4]

CTSS's second stage at full width, with VGG19 (random weights) and ToonWorld's pictures; all that differs is the sampler
of the patch critic, which shows it 4 patches of an image (`grid_patches` as many as there are, `whole` the image).
`view ms` is sampler and representation on both sides, forwards; a step has their gradient and the critic's passes in it
too. Steps of all samplers take turns, and the fastest counts. Writes `benchmarks/results/samplers-<device>.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import torch
from _common import device, fastest, full_ctss, report

from toonlab import Batch, discover
from toonlab.engine.builder import build
from toonlab.engine.gan import GAN, ActiveStage
from toonlab.engine.stages import enter
from toonlab.ops.levels import to_float
from toonlab.utils.distributed import DistributedContext

SAMPLERS = {
    "random_patches": "k: 4",
    "whole": "",
    "grid_patches": "",
    "edge_maximum": "k: 4",
    "hard_patches": "k: 4",
    "ctss": "k: 4",
    "saliency_random": "k: 4",
    "saliency_nms": "k: 4",
    "ctss_multiscale": "k: 2, scales: [0.75, 1.25]",
}


def made(name: str, options: argparse.Namespace, batch: Batch) -> tuple[GAN, ActiveStage]:
    size = "" if name == "whole" else f", patch_size: {96 * options.size // 256}"
    parameters = f", {SAMPLERS[name]}" if SAMPLERS[name] else ""
    recipe = full_ctss(options.size, options.batch, f"critics.patch.sampler={{use: {name}{size}{parameters}}}")
    gan = build(recipe, discover(), DistributedContext(batch.photo.device))
    return gan, enter(gan, recipe, 0, 0, 10**6, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=4)
    options = parser.parse_args()
    where = device()
    world = discover().make("datasets", "toonworld", size=options.size, scenes=options.batch)
    pictures = [torch.stack([images[index] for index in range(options.batch)]) for images in world.train()]
    batch = Batch(*(to_float(side.to(where)) for side in pictures))
    gans = {name: made(name, options, batch) for name in SAMPLERS}
    steps: dict[str, Callable[[], object]] = {n: partial(gan.step, stage, batch, 0) for n, (gan, stage) in gans.items()}
    views = {n: partial(gan.view, gan.critics["patch"], batch, batch.photo, 0) for n, (gan, _) in gans.items()}
    seconds = fastest(steps, options.repeat, where)
    with torch.no_grad():
        ms = {name: 1e3 * time for name, time in fastest(views, options.repeat, where).items()}
        seen = {name: view() for name, view in views.items()}
    rows = [
        {
            "sampler": name,
            "patches per image": len(seen[name].real) // options.batch,
            "view ms": round(ms[name], 2),
            "step s": round(seconds[name], 3),
            "view / step %": round(ms[name] / seconds[name] / 10, 2),
            "step / random_patches": round(seconds[name] / seconds["random_patches"], 3),
        }
        for name in SAMPLERS
    ]
    report("samplers", where, rows, vars(options))


if __name__ == "__main__":
    main()
