"""A training step of every method at full width: its time, the floor below it, its memory, the share of each part.

    python benchmarks/step.py [--methods plain ctss …] [--sizes 64 128] [--batch 2] [--variants fp32 bf16 …]

The step of a method's last stage, whole: critics and generator, with VGG19 (random weights, shaped as ImageNet's) and
ToonWorld's pictures. On a GPU at 256 px with a batch of 8, as in the papers; on a CPU, unless asked otherwise, with two
images of 64 and of 128 px. Each row comes from a process of its own.

`seconds` is that of a step and `floor` that of the step's convolutions alone (`_floor.py`), each in its fastest round;
the rounds of both take turns. `peak MiB` is what the allocator held at most (on a CPU: by how much the process grew at
most, compiler included). The shares, in percent, come from further steps in which every part is timed, forwards and
backwards, and the fastest of each counts; on a GPU waiting for each part makes these steps slower, so they say nothing
about the speed. A processor without bf16 instructions emulates them, many times slower than fp32: the record says
which kind it is, and there a single step without warm-up, and no floor, has to do for bf16.

Writes `benchmarks/results/step-<size>px-<batch>-<device>.json`; with `--variants` their names are in the file's, too.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import Any

import torch
from _common import MIB, device, full, most_resident, once, report, resident
from _floor import recorded, replay
from _stopwatch import REST, Stopwatch, time_optimizers, timed

from toonlab import Batch, discover
from toonlab.engine.builder import build
from toonlab.engine.data import Steps, batches
from toonlab.engine.gan import GAN, ActiveStage
from toonlab.engine.stages import enter
from toonlab.ops.precision import training_products
from toonlab.recipes.spec import Recipe
from toonlab.utils.distributed import DistributedContext, has_bf16

METHODS = ("plain", "ctss", "cartoongan", "animegan", "whitebox")
VARIANTS = {
    "fp32": [],
    "fp32-strict": ["train.precision=fp32-strict"],
    "tf32": ["train.precision=tf32"],
    "fp32+compile": ["train.compile=true"],
    "bf16": ["train.precision=bf16"],
    "bf16+compile": ["train.precision=bf16", "train.compile=true"],
    "channels_last": ["train.channels_last=true"],
    "bf16+channels_last": ["train.precision=bf16", "train.channels_last=true"],
}
VIEWS = ("sampler", "representation")
PARTS = ("generator", "critics", "features", *VIEWS, REST, "optimizers", "data")


def measure(method: str, size: int, variant: str, options: argparse.Namespace) -> dict[str, Any]:
    """A row; runs in a process of its own."""
    recipe, where = full(method, size, options.batch, *VARIANTS[variant]), device()
    before = resident()
    emulated = recipe.train.precision == "bf16" and not has_bf16(where)
    rounds = 1 if emulated else options.rounds
    with training_products(recipe.train.precision, where):
        gan = build(recipe, discover(), DistributedContext(where))
        data = batches_of(recipe, where)
        stage = enter(gan, recipe, 0, 0, 10**6, None)
        works: dict[str, Callable[[], object]] = {"step": lambda: run(gan, stage, data, options.steps)}
        if not emulated:
            run(gan, stage, data, options.warm_up)
            works["floor"] = replay(recorded(lambda: run(gan, stage, data, 1)))
        seconds = dict.fromkeys(works, math.inf)
        for _ in range(rounds):
            for name, work in works.items():
                seconds[name] = min(seconds[name], once(work, where))
        step = seconds["step"] / options.steps
        floor = (
            {}
            if emulated
            else {"floor": round(seconds["floor"], 4), "seconds / floor": round(step / seconds["floor"], 3)}
        )
        peak = torch.cuda.max_memory_allocated(where) if where.type == "cuda" else most_resident() - before
        shares = shares_of(gan, recipe, data, rounds)
    return {
        "method": method,
        "size": size,
        "variant": variant,
        "seconds": round(step, 4),
        **floor,
        "images/s": round(options.batch / step, 3),
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


def run(gan: GAN, stage: ActiveStage, data: Iterator[Batch], steps: int) -> None:
    for number in range(steps):
        gan.step(stage, next(data), number)


def shares_of(gan: GAN, recipe: Recipe, data: Iterator[Batch], steps: int) -> dict[str, float]:
    """Every part's share of the time, of each the fastest of some steps."""
    watch = Stopwatch(gan.distributed.device)
    watched = timed(gan, watch)
    stage = enter(watched, recipe, 0, 0, steps, None)
    time_optimizers(stage, watch)
    least = dict.fromkeys(PARTS, math.inf)
    for number in range(steps):
        watch.reset()
        with watch.during("data"):
            batch = next(data)
        watched.step(stage, batch, number)
        watch.switch(REST)
        least = {part: min(least[part], watch.seconds[part]) for part in PARTS}
    total = sum(least.values())
    return {part: seconds / total for part, seconds in least.items()}


def main() -> None:
    gpu = device().type == "cuda"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[256] if gpu else [64, 128])
    parser.add_argument("--batch", type=int, default=8 if gpu else 2)
    parser.add_argument("--steps", type=int, default=20 if gpu else 1, help="in a round")
    parser.add_argument("--rounds", type=int, default=5, help="of steps and of the floor; the fastest of each counts")
    parser.add_argument("--warm-up", type=int, default=5 if gpu else 1)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS) if gpu else ["fp32", "bf16"])
    options = parser.parse_args()
    chosen = "" if options.variants == parser.get_default("variants") else "".join(f"-{v}" for v in options.variants)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as pool:
        for size in options.sizes:
            asked = [(m, size, v) for m, v in product(options.methods, options.variants)]
            rows = [pool.submit(measure, *which, options).result() for which in asked]
            about = {**vars(options), "bf16 instructions": has_bf16(device())}
            report(f"step-{size}px-{options.batch}{chosen}", device(), rows, about)


if __name__ == "__main__":
    main()
