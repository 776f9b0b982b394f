"""The CTSS sampler against the formulation that extracts all patches, as the original does.

    python benchmarks/sampler.py [--batch 8] [--size 256] [--repeat 5]

Both start from the same images and the same edge map. The reference unfolds colour and edges into all candidate patches,
sums each, and picks the best; ours sums boxes of an integral image and cuts only what is chosen. Time is the fastest of
several runs; memory is the largest extra that was allocated, measured by torch's allocator (on a CPU, by the profiler).
Writes `benchmarks/results/sampler-<device>.json`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from common import report
from toonlab_ctss.sampler import CTSS
from torch import Tensor

from toonlab import crop


def unfolded(images: Tensor, edges: Tensor, patch: int, stride: int, k: int) -> Tensor:
    """All patches of colour and of edges, then the best."""
    columns = F.unfold(edges, patch, stride=stride)  # (B, patch * patch, n)
    scores = columns.sum(1)  # (B, n)
    best = scores.flatten().topk(k * images.shape[0]).indices
    colour = F.unfold(images, patch, stride=stride).transpose(1, 2).flatten(0, 1)  # (B * n, 3 * patch * patch)
    return colour[best].unflatten(1, (images.shape[1], patch, patch))


def ours(images: Tensor, edges: Tensor, sampler: CTSS) -> Tensor:
    """What the sampler does after its edge map."""
    boxes, _ = sampler.rank_patches(edges, "stride_real")
    return crop(images, boxes, (sampler.patch_size, sampler.patch_size))


def seconds(work: Callable[[], object], repeat: int, device: torch.device) -> float:
    best = float("inf")
    for _ in range(repeat + 1):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        best = min(best, time.perf_counter() - start)
    return best


def extra_bytes(work: Callable[[], object], device: torch.device) -> int:
    """The most memory that was held at once beyond what there was before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    held = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images = torch.rand((options.batch, 3, options.size, options.size), generator=torch.Generator().manual_seed(0))
    images = (images * 2 - 1).to(device)
    rows = []
    for patch in (32, 64, 96, 128):
        for stride in (48, 16, 8, 4):
            sampler = CTSS(patch_size=patch, stride_real=stride / patch, k=2)
            edges = sampler.saliency(images)
            work = {
                "unfold": lambda e=edges, p=patch, s=stride: unfolded(images, e, p, s, 2),
                "ours": lambda e=edges, s=sampler: ours(images, e, s),
            }
            time_of = {name: seconds(run, options.repeat, device) for name, run in work.items()}
            memory_of = {name: extra_bytes(run, device) for name, run in work.items()}
            rows.append(
                {
                    "patch": patch,
                    "stride": stride,
                    "unfold ms": round(1e3 * time_of["unfold"], 2),
                    "ours ms": round(1e3 * time_of["ours"], 2),
                    "times faster": round(time_of["unfold"] / time_of["ours"], 1),
                    "unfold MiB": round(memory_of["unfold"] / 2**20, 1),
                    "ours MiB": round(memory_of["ours"] / 2**20, 1),
                    "times less memory": round(memory_of["unfold"] / max(1, memory_of["ours"]), 1),
                }
            )
    report("sampler", device, rows, vars(options))


if __name__ == "__main__":
    main()
