"""The costs of a run: time, memory, parameters and operations."""

import sys
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from toonlab.registry.protocols import ReadyMade

from .evaluator import cartoonize

COSTS = ("seconds_per_step", "images_per_second", "peak_memory_mib", "parameters", "gflops_per_image")
_BATCH = 8  # photos at once
_LONG = 0.5  # seconds after which no further repeat begins


class Stopwatch:
    """The time of training steps, without evaluations, checkpoints and the first step.

    The first step after a start or a resume also loads kernels and compiles, so it is not representative.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds, self.steps = device, 0.0, 0
        self._since: float | None = None

    def step(self) -> None:
        """A step has ended."""
        if self._since is None:
            self.resume()
        else:
            self.steps += 1

    def pause(self) -> None:
        """Stop the time, before work that is not training."""
        if self._since is not None:
            _wait(self.device)
            self.seconds += time.perf_counter() - self._since

    def resume(self) -> None:
        """Start the time again."""
        _wait(self.device)
        self._since = time.perf_counter()

    @property
    def seconds_per_step(self) -> float | None:
        """After `pause`; None if there were fewer than two steps."""
        return self.seconds / self.steps if self.steps else None


def inference(generator: nn.Module, photos: Sequence[Tensor], device: torch.device) -> dict[str, float]:
    """The costs of cartoonizing photos, `(3, H, W)` each: those of the first one's size, at most eight in one batch.

    `gflops_per_image` counts a multiplication and an addition as two, in matrix products and convolutions, and is left
    out if there are none. Ready-made pictures have no costs.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imports half of torch's compiler

    if isinstance(generator, ReadyMade) or not photos:
        return {}
    alike = [photo for photo in photos if photo.shape == photos[0].shape][:_BATCH]
    batch = torch.stack(alike).to(device)
    found = {"images_per_second": len(batch) / _shortest(generator, batch, device)}
    with FlopCounterMode(display=False) as counter:
        cartoonize(getattr(generator, "_orig_mod", generator), batch[:1])
    if flops := counter.get_total_flops():
        found["gflops_per_image"] = flops / 1e9
    return found | {"parameters": float(sum(parameter.numel() for parameter in generator.parameters()))}


def peak_memory_mib(device: torch.device) -> float:
    """The peak memory so far: allocated by torch on a GPU, else resident in RAM."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource  # not everywhere

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _shortest(generator: nn.Module, batch: Tensor, device: torch.device) -> float:
    """Seconds for a batch: the minimum of some repeats, since disturbances only add time."""
    times: list[float] = []
    while len(times) < 2 or (sum(times) < _LONG and len(times) < 6):
        _wait(device)
        began = time.perf_counter()
        cartoonize(generator, batch)
        _wait(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
