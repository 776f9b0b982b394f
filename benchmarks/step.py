"""A training step of CTSS at full width: its speed, its memory, and the share of each part.

    python benchmarks/step.py [--size 256] [--batch 8] [--steps 20] [--variants fp32 bf16 …]

CTSS with VGG19 (random weights, shaped as ImageNet's), ToonWorld's pictures, both critics: the step of the second
stage. On a GPU at 256 px with a batch of 8, as in the paper; on a CPU, unless asked otherwise, small enough to end in a
few minutes. Each variant runs in a process of its own.

`seconds` is the mean of a step; `peak MiB` is what the allocator held at most (on a CPU: how much the process grew at
most, compiler included). The shares, in percent, come from further steps in which every part is timed, forwards and
backwards; on a GPU waiting for each part makes these steps slower, so they say nothing about the speed.
Writes `benchmarks/results/step-<device>.json`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from _common import MIB, device, report, wait
from _stopwatch import REST, Stopwatch, time_optimizers, timed

from toonlab import Batch, discover
from toonlab.build import build, enter
from toonlab.data import Steps, batches
from toonlab.devices import Precision, World
from toonlab.recipe import load
from toonlab.specs import Recipe

VARIANTS = {
    "fp32": [],
    "bf16": ["train.precision=bf16"],
    "bf16+compile": ["train.precision=bf16", "train.compile=true"],
    "channels_last": ["train.channels_last=true"],
}
PARTS = ("generator", "critics", "features", "sampler", "representation", REST, "optimizers", "data")


def recipe_of(variant: str, options: argparse.Namespace) -> Recipe:
    overrides = [
        f"data={{use: toonworld, size: {options.size}, scenes: {2 * options.batch}}}",
        "features={use: vgg19, weights: random, convention: caffe, layer: conv4_4}",
        *("stages=null", "observers.mlflow=null", "observers.progress=null"),
        *(f"train.size={options.size}", f"train.batch={options.batch}", f"train.steps={options.steps}"),
        *(f"critics.patch.sampler.{setting}" for setting in options.sampler),
        *VARIANTS[variant],
    ]
    return load("ctss", discover(), overrides)


def measure(variant: str, options: argparse.Namespace) -> dict[str, Any]:
    """A row; runs in a process of its own."""
    recipe, where = recipe_of(variant, options), device()
    before = resident()
    with Precision(recipe.train.precision):
        watch = Stopwatch(where)
        gan = build(recipe, discover(), World(where))
        plain, shares = run(recipe, gan, watch, options, where)
    peak = torch.cuda.max_memory_allocated(where) if where.type == "cuda" else most_resident() - before
    return {
        "variant": variant,
        "seconds": round(plain, 4),
        "images/s": round(options.batch / plain, 3),
        "peak MiB": round(peak / MIB),
        **{f"{part} %": round(100 * shares[part] / sum(shares.values()), 2) for part in PARTS},
    }


def run(recipe: Recipe, gan: Any, watch: Stopwatch, options: argparse.Namespace, where: torch.device) -> Any:
    """Seconds of a step, and seconds by part."""
    steps = Steps(*recipe.data.make(discover()).train(), recipe.train)
    workers = min(8, os.cpu_count() or 1) if where.type == "cuda" else 0
    data = batches(steps, 0, options.warm_up + 2 * options.steps, workers, where)
    phase = enter(gan, recipe, 0, 0, 1, None)
    for number in range(options.warm_up):
        gan.step(phase, batch_of(recipe, data), number)
    wait(where)
    start = time.perf_counter()
    for number in range(options.steps):
        gan.step(phase, batch_of(recipe, data), number)
    wait(where)
    plain = (time.perf_counter() - start) / options.steps
    watched = timed(gan, watch)
    phase = enter(watched, recipe, 0, 0, 1, None)
    time_optimizers(phase, watch)
    watch.reset()
    for number in range(options.steps):
        with watch.during("data"):
            batch = batch_of(recipe, data)
        watched.step(phase, batch, number)
    watch.switch(REST)
    return plain, watch.seconds


def batch_of(recipe: Recipe, data: Iterator[Batch]) -> Batch:
    batch = next(data)
    if not recipe.train.channels_last:
        return batch
    form = torch.channels_last
    return Batch(batch.photo.contiguous(memory_format=form), batch.cartoon.contiguous(memory_format=form))


def resident() -> int:
    """Bytes of memory that this process has now."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0


def most_resident() -> int:
    """The most it ever had (in KiB by getrusage, on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    gpu = device().type == "cuda"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256 if gpu else 128)
    parser.add_argument("--batch", type=int, default=8 if gpu else 2)
    parser.add_argument("--steps", type=int, default=20 if gpu else 2)
    parser.add_argument("--warm-up", type=int, default=5 if gpu else 1)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument(
        "--sampler", nargs="*", default=[] if gpu else ["k=2"], help="of the patch critic: patch_size=64"
    )
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as pool:
        rows = [pool.submit(measure, variant, options).result() for variant in options.variants]
    report("step", device(), rows, vars(options))


if __name__ == "__main__":
    main()
