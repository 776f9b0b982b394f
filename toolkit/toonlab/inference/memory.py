"""How large a picture a generator can take: the memory that it needs for a pixel, and what there is."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from toonlab.engine.evaluator import cartoonize
from toonlab.images.io import fitted

PROBE = 256  # pixels on each side: enough that weights and other constants weigh little
MARGIN = 0.9  # of what is free: other processes live too


@dataclass
class Room:
    """How many pixels a generator can take at once: measured when a picture first is large enough to ask.

    Args:
        generator: a network, photo -> cartoon.
        device: that it is on.
        memory: bytes that a forward pass may take; None for what is free when it is asked.
    """

    generator: nn.Module
    device: torch.device
    memory: int | None = None

    @cached_property
    def free(self) -> float:
        """In bytes; infinite where the system doesn't tell."""
        if self.memory is not None:
            return self.memory
        free = available(self.device)
        return math.inf if free is None else free * MARGIN

    @cached_property
    def pixel(self) -> float:
        """Bytes for each pixel; 0 if they can't be measured."""
        return bytes_per_pixel(self.generator, self.device) or 0.0

    def pictures(self, height: int, width: int) -> int:
        """How many pictures of a size fit together; 0 if not one does."""
        pixels = padded_pixels(width, height, self.multiple)
        if pixels <= PROBE**2 or not self.pixel or math.isinf(self.free):
            return sys.maxsize
        return int(self.free / self.pixel / pixels)

    @property
    def multiple(self) -> int:
        return int(getattr(self.generator, "side_multiple", 1))

    def refusal(self, height: int, width: int) -> str:
        """What to tell of a picture that does not fit by `pictures`, and what would."""
        need = self.pixel * padded_pixels(width, height, self.multiple)
        side = largest_side(height, width, self.free / self.pixel, self.multiple)
        fits = "x".join(map(str, fitted(width, height, side)))
        return (
            f"{width}x{height} pixels need about {_gib(need)} of memory, and {_gib(self.free)} can be had; "
            f"the largest size that fits is {fits}: --max-side {side}"
        )

    def overflow(self, height: int, width: int) -> str:
        """What to tell of a picture that ran out of memory all the same."""
        pixels = padded_pixels(width, height, self.multiple)
        side = largest_side(height, width, pixels / 2, self.multiple)
        return f"{width}x{height} pixels took more memory than there is; try --max-side {side}"


def _gib(count: float) -> str:
    return f"{count / 2**30:.3g} GiB"


def bytes_per_pixel(generator: nn.Module, device: torch.device) -> float | None:
    """The peak memory of a forward pass, beyond the weights, for each pixel of a photo; None if it can't be measured.

    Measured with one photo of `PROBE` pixels a side.
    """
    photo = torch.zeros(1, 3, PROBE, PROBE, device=device)
    peak = peak_bytes(lambda: cartoonize(generator, photo), device)
    return peak / PROBE**2 if peak else None


def peak_bytes(work: Callable[[], object], device: torch.device) -> int:
    """The most memory that tensors take at once while something is done, beyond what they took before."""
    return _cuda_peak(work, device) if device.type == "cuda" else _cpu_peak(work)


def _cuda_peak(work: Callable[[], object], device: torch.device) -> int:
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    return torch.cuda.max_memory_allocated(device) - before


def _cpu_peak(work: Callable[[], object]) -> int:
    """By torch's profiler, which sees every allocation, those inside of operators too."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler would report on itself to the terminal
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    steps = [event for event in sorted(events, key=lambda event: event.get("ts", 0)) if event["name"] == "[memory]"]
    if not steps:
        return 0
    first = steps[0]["args"]
    before = first["Total Allocated"] - first["Bytes"]  # what an earlier profile saw, and still lives
    return max(step["args"]["Total Allocated"] for step in steps) - before


def available(device: torch.device) -> int | None:
    """Bytes that are free for a forward pass; None where the system doesn't tell."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # ours, and not in use
        return torch.cuda.mem_get_info(device)[0] + reserved
    free = [limit for limit in (_free_of_machine(), _free_of_group()) if limit is not None]
    return min(free, default=None)


def _free_of_machine() -> int | None:
    with suppress(OSError):  # there is no such file but on Linux
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_of_group() -> int | None:
    """What a container may still take: its limit, less what it holds and could not give back."""
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError, KeyError):  # no group, no limit ("max")
        limit, held = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        lines = (group / "memory.stat").read_text().splitlines()
        cached = int(dict(line.split() for line in lines)["inactive_file"])
        return limit - held + cached
    return None


def largest_side(height: int, width: int, pixels: float, multiple: int) -> int:
    """The longer side of the largest picture of these proportions that has at most so many pixels when padded.

    Args:
        height: of the picture that is too large.
        width: likewise.
        pixels: how many fit.
        multiple: of which the padded sides are multiples.
    """
    side = min(max(height, width), int((pixels * max(height, width) / min(height, width)) ** 0.5))
    while side > 1 and padded_pixels(*fitted(width, height, side), multiple) > pixels:
        side -= 1
    return side


def padded_pixels(width: int, height: int, multiple: int) -> int:
    """The pixels of a picture whose sides are padded to multiples."""
    return (width + -width % multiple) * (height + -height % multiple)
