"""What features cost: a training step of CTSS at full width with each extractor, next to that with VGG19.

    python benchmarks/features.py [--sizes 128 256] [--batch 1] [--repeat 3]

`step` is a whole step of CTSS's second stage, critics and generator; `features` is the part that losses cause: features
of a photo without gradients, and of a fake with gradients to its pixels. Fastest rounds, in which the extractors take
turns. VGG's weights are random, shaped as ImageNet's, which costs the same. Writes
`benchmarks/results/features-<device>.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import torch
from _common import device, fastest, full, report

from toonlab import Batch, Features, discover, rng
from toonlab.engine.builder import build
from toonlab.engine.gan import GAN
from toonlab.engine.stages import enter
from toonlab.utils.distributed import DistributedContext

FEATURES: Mapping[str, Mapping[str, Any]] = {
    "vgg19": {"use": "vgg19", "weights": "random"},
    "vgg16": {"use": "vgg16", "weights": "random"},
    "efficientnet_lite0": {"use": "efficientnet_lite0"},
    "random": {"use": "random"},
}


def works(name: str, size: int, batch: int, where: torch.device) -> tuple[Callable[[], object], Callable[[], object]]:
    """A step with an extractor, and its features alone, on noise: neither depends on what the pictures show."""
    chosen = ", ".join(f"{key}: {value}" for key, value in FEATURES[name].items())
    recipe = full("ctss", size, batch, f"features={{{chosen}}}")
    gan = build(recipe, discover(), DistributedContext(where))
    stage = enter(gan, recipe, 0, 0, 10**6, None)
    images = torch.rand((2, batch, 3, size, size), generator=rng(0, "features")) * 2 - 1
    pair = Batch(*images.to(where))
    return lambda: gan.step(stage, pair, 0), lambda: extract(gan, pair)


def extract(gan: GAN, pair: Batch) -> None:
    features = Features(gan.extract)
    features.layers(pair.photo)
    fake = features.layers(pair.cartoon.clone().requires_grad_())
    torch.stack([layer.mean() for layer in fake]).sum().backward()  # type: ignore[no-untyped-call]


def measure(size: int, options: argparse.Namespace, where: torch.device) -> list[dict[str, Any]]:
    both = {name: works(name, size, options.batch, where) for name in FEATURES}
    step, alone = (fastest({k: pair[i] for k, pair in both.items()}, options.repeat, where) for i in (0, 1))
    return [
        {
            "size": size,
            "features": name,
            "step s": round(step[name], 4),
            "step / vgg19": round(step[name] / step["vgg19"], 3),
            "features s": round(alone[name], 4),
            "features / vgg19": round(alone[name] / alone["vgg19"], 4),
        }
        for name in FEATURES
    ]


def main() -> None:
    where = device()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--batch", type=int, default=8 if where.type == "cuda" else 1)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    report("features", where, [row for size in options.sizes for row in measure(size, options, where)], vars(options))


if __name__ == "__main__":
    main()
