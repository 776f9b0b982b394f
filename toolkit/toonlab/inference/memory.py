"""How large a picture a generator can take: the free memory, and the bytes that a forward pass needs for each pixel."""

import math
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import psutil
import torch
from torch import nn

from toonlab.engine.evaluator import cartoonize, padded_side
from toonlab.errors import first_line, is_out_of_memory
from toonlab.images.io import fitted

PROBE = 256  # pixels on each side of the measured photo: large enough that constant costs hardly count
CGROUP = Path("/sys/fs/cgroup")
USABLE = 0.9  # share of the free memory; other processes need some


@dataclass
class MemoryBudget:
    """The number of pixels that a generator can take at once, measured before the first picture larger than `PROBE`.

    Args:
        generator: a network, photo -> cartoon.
        device: the device of the generator.
        limit: bytes that a forward pass may take; None for the free memory.
    """

    generator: nn.Module
    device: torch.device
    limit: int | None = None

    @cached_property
    def free(self) -> float:
        """Bytes that a forward pass may take."""
        return USABLE * free_memory(self.device) if self.limit is None else self.limit

    @cached_property
    def bytes_per_pixel(self) -> float:
        """The peak memory of a forward pass, without the weights, for each pixel of one photo; 0 if not measurable."""
        photo = torch.zeros(1, 3, PROBE, PROBE, device=self.device)
        return peak_bytes(lambda: cartoonize(self.generator, photo), self.device) / PROBE**2

    def padded(self, width: int, height: int) -> int:
        """The pixels of a picture after padding its sides for the generator."""
        return padded_side(width, self.generator) * padded_side(height, self.generator)

    def pictures(self, height: int, width: int) -> int:
        """How many pictures of this size fit at once; 0 if not even one does."""
        pixels = self.padded(width, height)
        if pixels <= PROBE**2 or not self.bytes_per_pixel:
            return sys.maxsize
        return int(self.free / self.bytes_per_pixel / pixels)

    def refusal(self, height: int, width: int) -> str:
        """The message for a picture that does not fit, with the largest size that would."""
        need = self.bytes_per_pixel * self.padded(width, height)
        side = largest_side(height, width, self.free / self.bytes_per_pixel, self.padded)
        fits = "x".join(map(str, fitted(width, height, side)))
        return (
            f"{width}x{height} pixels need about {_gib(need)} of memory, and {_gib(self.free)} can be had; "
            f"the largest size that fits is {fits}: --max-side {side}"
        )

    def failure(self, error: Exception, height: int, width: int) -> str:
        """The message for a picture that should have fitted: it ran out of memory, or the network refused it."""
        if not is_out_of_memory(error):
            return first_line(error)
        side = largest_side(height, width, self.padded(width, height) / 2, self.padded)
        return f"{width}x{height} pixels took more memory than there is; try --max-side {side}"


def free_memory(device: torch.device) -> float:
    """Bytes that are free for a forward pass: of the GPU, or of the machine and of the container's limit."""
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    return min(psutil.virtual_memory().available, _free_of_container())


def _free_of_container() -> float:
    """The limit of the control group (cgroup v2), less what it uses and can't reclaim; infinite without a limit."""
    with suppress(OSError, ValueError, KeyError):  # no such group, or its limit is "max"
        limit, used = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return limit - used + int(statistics["inactive_file"])
    return math.inf


def peak_bytes(work: Callable[[], object], device: torch.device) -> int:
    """The most memory that tensors take at once during `work`, above what they took before.

    On a CPU by torch's profiler, which records every allocation, also those inside operators: a picture that is too
    large there ends the process without an exception, so the peak has to be known in advance.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # otherwise the profiler prints to the terminal
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = profiler.profiler.kineto_results.events()
    changes = [event for event in events if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    return max(accumulate((event.nbytes() for event in changes), initial=0))


def largest_side(height: int, width: int, pixels: float, padded: Callable[[int, int], int]) -> int:
    """The longer side of the largest picture of the same proportions that has at most `pixels` after padding.

    `padded` gives the pixels of a width and a height after padding.
    """
    side = min(max(height, width), int((pixels * max(height, width) / min(height, width)) ** 0.5))
    while side > 1 and padded(*fitted(width, height, side)) > pixels:
        side -= 1
    return side


def _gib(count: float) -> str:
    return f"{count / 2**30:.3g} GiB"
