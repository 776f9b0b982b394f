"""A training step of CTSS at full width: its speed, its memory, and the share of each part.

    python benchmarks/step.py [--size 256] [--batch 8] [--steps 20] [--rounds 3] [--variants fp32 bf16 …]

CTSS with VGG19 (random weights, shaped as ImageNet's), ToonWorld's pictures, both critics: the step of the second
stage. On a GPU at 256 px with a batch of 8, as in the paper; on a CPU, unless asked otherwise, small enough to end in a
few minutes. Each variant runs in a process of its own.

`seconds` is that of a step, in the fastest round; `peak MiB` is what the allocator held at most (on a CPU: by how much
the process grew at most, compiler included). The shares, in percent, come from further steps in which every part is
timed, forwards and backwards, and the fastest of each counts; on a GPU waiting for each part makes these steps slower,
so they say nothing about the speed. Writes `benchmarks/results/step-<size>px-<batch>-<device>.json`.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
from _common import MIB, device, full_ctss, most_resident, once, report, resident
from _stopwatch import REST, Stopwatch, time_optimizers, timed

from toonlab import Batch, discover
from toonlab.build import build, enter
from toonlab.data import Steps, batches
from toonlab.devices import Precision, World
from toonlab.gan import GAN
from toonlab.specs import Recipe

VARIANTS = {
    "fp32": [],
    "bf16": ["train.precision=bf16"],
    "bf16+compile": ["train.precision=bf16", "train.compile=true"],
    "channels_last": ["train.channels_last=true"],
}
PARTS = ("generator", "critics", "features", "sampler", "representation", REST, "optimizers", "data")


def measure(variant: str, options: argparse.Namespace) -> dict[str, Any]:
    """A row; runs in a process of its own."""
    recipe, where = full_ctss(options.size, options.batch, *VARIANTS[variant]), device()
    before = resident()
    with Precision(recipe.train.precision):
        gan = build(recipe, discover(), World(where))
        data = batches_of(recipe, where)
        run(gan, recipe, data, options.warm_up)
        rounds = [once(lambda: run(gan, recipe, data, options.steps), where) for _ in range(options.rounds)]
        seconds = min(rounds) / options.steps
        shares = shares_of(gan, recipe, data, options.rounds)
    peak = torch.cuda.max_memory_allocated(where) if where.type == "cuda" else most_resident() - before
    return {
        "variant": variant,
        "seconds": round(seconds, 4),
        "images/s": round(options.batch / seconds, 3),
        "peak MiB": round(peak / MIB),
        **{f"{part} %": round(100 * shares[part], 2) for part in PARTS},
    }


def batches_of(recipe: Recipe, where: torch.device) -> Iterator[Batch]:
    """Batches without end, as training loads them."""
    steps = Steps(*recipe.data.make(discover()).train(), recipe.train)
    workers = min(8, os.cpu_count() or 1) if where.type == "cuda" else 0
    form = torch.channels_last if recipe.train.channels_last else torch.contiguous_format
    for batch in batches(steps, 0, 10**6, workers, where):
        yield Batch(batch.photo.contiguous(memory_format=form), batch.cartoon.contiguous(memory_format=form))


def run(gan: GAN, recipe: Recipe, data: Iterator[Batch], steps: int) -> None:
    phase = enter(gan, recipe, 0, 0, steps, None)
    for number in range(steps):
        gan.step(phase, next(data), number)


def shares_of(gan: GAN, recipe: Recipe, data: Iterator[Batch], steps: int) -> dict[str, float]:
    """Every part's share of the time, of each the fastest of some steps."""
    watch = Stopwatch(gan.world.device)
    watched = timed(gan, watch)
    phase = enter(watched, recipe, 0, 0, steps, None)
    time_optimizers(phase, watch)
    least = dict.fromkeys(PARTS, math.inf)
    for number in range(steps):
        watch.reset()
        with watch.during("data"):
            batch = next(data)
        watched.step(phase, batch, number)
        watch.switch(REST)
        least = {part: min(least[part], watch.seconds[part]) for part in PARTS}
    total = sum(least.values())
    return {part: seconds / total for part, seconds in least.items()}


def main() -> None:
    gpu = device().type == "cuda"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256 if gpu else 128)
    parser.add_argument("--batch", type=int, default=8 if gpu else 2)
    parser.add_argument("--steps", type=int, default=20 if gpu else 1)
    parser.add_argument("--rounds", type=int, default=3, help="of so many steps; the fastest counts")
    parser.add_argument("--warm-up", type=int, default=5 if gpu else 1)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as pool:
        rows = [pool.submit(measure, variant, options).result() for variant in options.variants]
    report(f"step-{options.size}px-{options.batch}", device(), rows, vars(options))


if __name__ == "__main__":
    main()
