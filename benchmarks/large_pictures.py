"""Time and memory of large pictures: whole, and in strips of rows; and what statistics of a reduced copy would cost.

    python benchmarks/large_pictures.py                          # width 8 whole and in strips, full width in strips
    python benchmarks/large_pictures.py --methods ctss --megapixels 50 --compare 0
    python benchmarks/large_pictures.py --reduced                # the same norms with the statistics of a smaller copy

Each figure is of a process of its own: its largest resident memory, libraries and weights included (on a GPU, what
torch allocated there). Weights are random: they change neither time nor memory. The memory over time in strips is
drawn in docs/pictures/large-MEGAPIXELS.webp.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from _common import MIB, device, most_resident, report, resident, wait
from matplotlib.figure import Figure
from torch import Tensor, nn

from toonlab import discover
from toonlab.engine.evaluator import cartoonize
from toonlab.inference.memory import MemoryBudget
from toonlab.inference.strips import cartoonize_in_strips
from toonlab.ops.levels import to_float, to_levels

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
POINTS = 100  # of a curve
MEMORY = 0.25  # GiB
LIMIT = 1500e6 / MIB  # what 12 megapixels may take at full width
GENERATORS = {
    "ctss": "ctss_unet",
    "cartoongan": "cartoongan",
    "animegan": "animegan",
    "animegan_v2": "animegan_v2",
    "whitebox": "whitebox_unet",
    "cyclegan": "resnet",
    "pix2pix": "unet",
}


def generator(method: str, width: int | None) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = discover().make("generators", GENERATORS[method], **({"width": width} if width else {}))
    return made.eval().to(device())


def photo(megapixels: float) -> Tensor:
    """Smooth areas of all sizes and noise, 4:3, `(3, H, W)` uint8."""
    torch.manual_seed(1)
    height = 4 * round((megapixels * 1e6 * 3 / 4) ** 0.5 / 4)
    picture = torch.randint(118, 138, (1, 3, height, 4 * height // 3 // 4 * 4), dtype=torch.uint8)
    for channel in range(3):  # one after the other: the parent's picture shall not count
        coarse = F.interpolate(torch.rand(1, 1, 30, 40), size=picture.shape[2:], mode="bicubic").clamp_(0, 1)
        picture[:, channel] = picture[:, channel] // 8 + coarse[:, 0].mul_(220).to(torch.uint8)
    return picture[0]


class Curve:
    """The memory over time while a block runs: `[seconds, MiB]`, twice a second, the largest of each hundredth kept."""

    def __init__(self, place: torch.device) -> None:
        self.place, self.points, self.done = place, list[list[float]](), threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def __enter__(self) -> Curve:
        self.start = time.perf_counter()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        share = -(-len(self.points) // POINTS)
        parts = [self.points[first : first + share] for first in range(0, len(self.points), share)]
        self.points = [max(part, key=lambda point: point[1]) for part in parts]

    def sample(self) -> None:
        while True:
            used = torch.cuda.memory_allocated(self.place) if self.place.type == "cuda" else resident()
            self.points.append([round(time.perf_counter() - self.start, 1), round(used / MIB)])
            if self.done.wait(0.5):
                return


def draw(rows: list[dict[str, Any]], curves: list[list[list[float]]], path: Path) -> None:
    """The memory over time of those in strips."""
    figure = Figure((7.2, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="seconds", ylabel="memory of the process, MiB", xscale="log")
    for row, curve in zip(rows, curves, strict=True):
        if row["way"] != "whole" and curve:
            axes.plot(*zip(*curve, strict=True), label=f"{row['method']}, width {row['width']}", linewidth=1.3)
    axes.axhline(LIMIT, color="0.5", linewidth=0.8, linestyle="--", label="1.5 GB")
    axes.set_ylim(0, None)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path, dpi=130)


def measure(method: str, width: int | None, megapixels: float, memory: float | None) -> dict[str, Any]:
    """One row, in this process; in strips if `memory`, GiB, is given."""
    net, picture, place = generator(method, width), photo(megapixels), device()
    if memory is None and not (budget := MemoryBudget(net, place)).pictures(*picture.shape[1:]):
        raise SystemExit(budget.refusal(*picture.shape[1:]))
    before = resident()
    if place.type == "cuda":
        torch.cuda.reset_peak_memory_stats(place)
    wait(place)
    with Curve(place) as curve:
        start, processor = time.perf_counter(), time.process_time()
        if memory is None:
            to_levels(cartoonize(net, to_float(picture[None].to(place)))).cpu()
        else:
            cartoonize_in_strips(net, picture, memory * 2**30)
        wait(place)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    peak = torch.cuda.max_memory_allocated(place) if place.type == "cuda" else most_resident()
    return {
        "method": method,
        "width": width or "full",
        "size": "x".join(map(str, reversed(picture.shape[1:]))),
        "MP": round(picture.shape[1] * picture.shape[2] / 1e6, 1),
        "way": "whole" if memory is None else f"strips, {memory} GiB",
        "seconds": round(seconds, 1),
        "of the processor": round(processor, 1),
        "peak MiB": round(peak / MIB),
        "before MiB": round(before / MIB),
        "curve": curve.points,
    }


def in_process(threads: int, *case: Any) -> dict[str, Any]:
    """`measure` in a new process."""
    command = [sys.executable, __file__, "--threads", str(threads), "--case", json.dumps(case)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        method, width, megapixels, memory = case
        end = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1].rpartition("Error: ")[2]
        way = "whole" if memory is None else "strips"
        return {"method": method, "width": width or "full", "MP": megapixels, "way": way, "seconds": end[:60]}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print({name: value for name, value in row.items() if name != "curve"}, file=sys.stderr, flush=True)
    return row


@torch.no_grad()
def reduced(method: str, megapixels: float) -> Iterator[dict[str, Any]]:
    """How far a cartoon changes, in levels, if the norms' statistics come from a smaller copy of the photo."""
    net, picture = generator(method, None), to_float(photo(megapixels)[None])
    norms = [module for module in net.modules() if isinstance(module, nn.GroupNorm)]
    whole, found = cartoonize(net, picture), dict[nn.Module, tuple[Tensor, Tensor]]()

    def gather(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.GroupNorm)
        grouped = given[0].view(module.num_groups, -1)
        found[module] = grouped.mean(1), grouped.var(1, correction=0)

    def apply(module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        assert isinstance(module, nn.GroupNorm)
        mean, variance = (value.view(1, -1, 1, 1, 1) for value in found[module])
        grouped = given[0].view(1, module.num_groups, -1, *given[0].shape[2:])
        normed = ((grouped - mean) / (variance + module.eps).sqrt()).view(given[0].shape)
        weight, bias = (None if value is None else value.view(-1, 1, 1) for value in (module.weight, module.bias))
        return normed if weight is None or bias is None else normed * weight + bias

    for factor in (1, 2, 4):
        hooks = [module.register_forward_pre_hook(gather) for module in norms]
        cartoonize(net, F.interpolate(picture, scale_factor=1 / factor, mode="area") if factor > 1 else picture)
        for hook in hooks:
            hook.remove()
        hooks = [module.register_forward_hook(apply) for module in norms]
        levels = (cartoonize(net, picture) - whole).abs() * 127.5
        for hook in hooks:
            hook.remove()
        row = {"method": method, "MP": megapixels, "copy": f"1/{factor}"}
        yield {**row, "largest": round(levels.max().item(), 3), "mean": round(levels.mean().item(), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=GENERATORS, default=["ctss", "cartoongan", "whitebox"])
    parser.add_argument("--megapixels", nargs="+", type=float, default=[12, 50])
    parser.add_argument("--memory", type=float, default=MEMORY, help="GiB for strips and stored maps")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compare", type=int, default=8, help="the width that is computed whole, too; 0 for none")
    parser.add_argument("--width", type=int, help="instead of each generator's own")
    parser.add_argument("--reduced", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.case:
        print(json.dumps(measure(*json.loads(options.case))))
        return
    if options.reduced:
        rows = [row for method in options.methods for row in reduced(method, options.megapixels[0])]
        report("large_pictures-reduced", device(), rows, vars(options))
        return
    for megapixels in options.megapixels:
        cases: list[tuple[Any, ...]] = []
        for method in options.methods:
            if options.compare:
                cases += [(method, options.compare, megapixels, memory) for memory in (None, options.memory)]
            cases.append((method, options.width, megapixels, options.memory))
        rows = [in_process(options.threads, *case) for case in cases]
        name = f"{megapixels:g}mp" + (f"-width{options.width}" if options.width else "")
        name += f"-{options.memory:g}gib" if options.memory != MEMORY else ""
        curves = [row.pop("curve", []) for row in rows]  # none of what failed
        report(f"large_pictures-{name}", device(), rows, {**vars(options), "curves": curves})
        draw(rows, curves, PICTURES / f"large-{name}.webp")


if __name__ == "__main__":
    main()
