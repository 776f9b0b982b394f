"""How fast pictures come: images per second from folders and from shards, by the number of worker processes.

    python benchmarks/data.py [--size 256] [--batch 8] [--images 320] [--training]

*folder* decodes JPEG files of 448 x 597 pixels, made for the purpose, and cuts crops of `--size`; *shards* are
ToonWorld's memory-mapped arrays of the same side, cropped likewise. Photos and cartoons both count; files are in the
system's cache. The fastest of three rounds counts, without the start of the workers.

On a GPU (on a CPU with `--training`) also what training loses by it: the seconds of a step with loaded batches against
those with one batch again and again, in turns. Writes `benchmarks/results/data-<device>.json`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from _common import device, full_ctss, report, wait
from PIL import Image

from toonlab import Batch, Dataset, discover
from toonlab.engine.builder import build
from toonlab.engine.data import Steps, batches
from toonlab.engine.stages import enter
from toonlab.recipes.spec import Train
from toonlab.utils.distributed import DistributedContext

SHORT, LONG = 448, 597
PICTURES = 32  # files in each folder; they are read again and again


def write_pictures(root: Path) -> None:
    """JPEG files of ToonWorld's pictures, in `photo` and `cartoon`, as large as many photos after scaling down."""
    world = discover().make("datasets", "toonworld", scenes=PICTURES, size=LONG)
    for name, images in zip(("photo", "cartoon"), world.train(), strict=True):
        (root / name).mkdir()
        for number in range(PICTURES):
            pixels = images[number].movedim(0, -1)[:SHORT].contiguous().numpy()
            Image.fromarray(pixels).save(root / name / f"{number:03d}.jpg", quality=90)


def sources(root: Path, train: Train) -> dict[str, Steps]:
    write_pictures(root)
    catalogue = discover()
    datasets: dict[str, Dataset] = {
        "folder": catalogue.make("datasets", "folder", photos=root / "photo", cartoons=root / "cartoon"),
        "shards": catalogue.make("datasets", "toonworld", scenes=PICTURES, size=SHORT),
    }
    return {name: Steps(*dataset.train(), train) for name, dataset in datasets.items()}


def speed(steps: Steps, workers: int, options: argparse.Namespace, where: torch.device) -> float:
    """Images per second, once the workers have begun to deliver."""
    per_step, ahead = 2 * options.batch, 2 * workers + 1
    count = max(1, options.images // per_step)
    fastest = 0.0
    for _ in range(3):
        data = batches(steps, 0, ahead + count, workers, where)
        for _ in range(ahead):
            next(data)
        start = time.perf_counter()
        for _ in data:
            pass
        wait(where)
        fastest = max(fastest, count * per_step / (time.perf_counter() - start))
    return fastest


def waiting(steps: Steps, workers: int, options: argparse.Namespace, where: torch.device) -> dict[str, Any]:
    """What a training step of CTSS, at full width, loses by loading its batches."""
    recipe = full_ctss(options.size, options.batch)
    gan = build(recipe, discover(), DistributedContext(where))
    stage = enter(gan, recipe, 0, 0, 1, None)

    def seconds(data: Iterator[Batch]) -> float:
        gan.step(stage, next(data), 0)
        wait(where)
        start = time.perf_counter()
        for number in range(options.steps):
            gan.step(stage, next(data), number)
        wait(where)
        return (time.perf_counter() - start) / options.steps

    loaded = batches(steps, 0, 10**6, workers, where)
    again = itertools.repeat(next(loaded))
    rounds = [(seconds(again), seconds(loaded)) for _ in range(3)]
    without, with_ = (min(times) for times in zip(*rounds, strict=True))
    return {
        "s/step": round(with_, 4),
        "without loading": round(without, 4),
        "lost %": round(100 * (1 - without / with_), 2),
    }


def main() -> None:
    where = device()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--images", type=int, default=320, help="to load in a round")
    parser.add_argument("--training", action="store_true", default=where.type == "cuda", help="what training loses")
    parser.add_argument("--steps", type=int, default=50, help="of a round of training")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    counts = [0, *(workers for workers in (1, 2, 4, 8, 16) if workers <= cores)]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for source, steps in sources(Path(folder), Train(size=options.size, batch=options.batch)).items():
            for workers in counts:
                rows.append({"source": source, "workers": workers})
                rows[-1]["images/s"] = round(speed(steps, workers, options, where))
            if options.training:
                workers = min(8, cores) if where.type == "cuda" else 0
                rows.append({"source": source, "workers": workers, **waiting(steps, workers, options, where)})
    report("data", where, rows, vars(options))


if __name__ == "__main__":
    main()
