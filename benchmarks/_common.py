"""What the benchmarks share: the clock, the memory, and the report with its hardware, date and command."""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from toonlab import discover
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.utils.distributed import device_name

os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # torch's profiler would tell of every start and stop
RESULTS = Path(__file__).parent / "results"
MIB = 2**20
ROUND = 0.02  # seconds that a short work is repeated for
Row = Mapping[str, Any]


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def wait(device: torch.device) -> None:
    """Until a GPU has done what it was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def fastest(works: Mapping[str, Callable[[], object]], repeat: int, device: torch.device) -> dict[str, float]:
    """Seconds that each work takes: the fastest run, on a shared machine the one least disturbed.

    After a first run that does not count there are `repeat` rounds in which the works take turns, so that a
    disturbance hits all of them; short ones run several times in a round.
    """
    times = dict.fromkeys(works, math.inf)
    for number in range(repeat + 1):
        for name, work in works.items():
            until = time.perf_counter() + ROUND
            while True:
                taken = once(work, device)
                times[name] = min(times[name], taken) if number else math.inf
                if time.perf_counter() > until:
                    break
    return times


def once(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that one run takes."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def extra_bytes(work: Callable[[], object], device: torch.device) -> int:
    """The most memory that torch's allocator held at once beyond what it held before, the result included."""
    if device.type == "cuda":
        wait(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        result = work()
        wait(device)
        del result
        return torch.cuda.max_memory_allocated(device) - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        result = work()
    del result
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()  # negative where memory is given back
        peak = max(peak, held)
    return peak


def resident() -> int:
    """Bytes of memory that this process has now; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0


def most_resident() -> int:
    """The most that it ever had (Linux gives KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def full(method: str, size: int, batch: int, *overrides: str) -> Recipe:
    """A method's last stage at full width, on ToonWorld, with VGG19's random weights and no observers."""
    standard = {
        "data": {"use": "toonworld", "size": size, "scenes": 4 * batch},
        "features": {"use": "vgg19", "weights": "random", "convention": "caffe", "layer": "conv4_4"},
        "critics.patch.sampler.patch_size": 96 * size // 256,  # as many candidates as at 256 px
        "stages": None,
        "evaluate.metrics": [],
        **{f"train.{key}": value for key, value in {"size": size, "batch": batch, "steps": 10**6}.items()},
    }
    return load(method, discover(), ["observers.mlflow=null", "observers.progress=null", *overrides], shared=standard)


def full_ctss(size: int, batch: int, *overrides: str) -> Recipe:
    """CTSS's second stage at full width."""
    return full("ctss", size, batch, *overrides)


# -- the report


def hardware(device: torch.device) -> dict[str, Any]:
    return {
        "device": device_name(device),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }


def report(name: str, device: torch.device, rows: Sequence[Row], options: Mapping[str, Any]) -> None:
    """Print the rows as a table and keep them, with what they were measured on, in `results/NAME-cpu.json` (or `-gpu`).

    `options` are those of the command, and whatever else was measured once.
    """
    print(table(rows))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{'gpu' if device.type == 'cuda' else 'cpu'}.json"
    record = {"hardware": hardware(device), "options": dict(options), "rows": [dict(row) for row in rows]}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"written: {path}")


def table(rows: Sequence[Row]) -> str:
    """Rows with their columns' names above, in columns of equal width."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, *([str(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
