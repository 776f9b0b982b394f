"""Work on each picture of a batch in threads, beside whatever the caller does meanwhile.

Threads and not processes: scikit-image and numpy let go of the GIL where the time is spent.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Work = Callable[[NDArray[np.float32]], NDArray[np.int64]]


def start(work: Work, images: Tensor) -> Callable[[], Tensor]:
    """Begin to work on pictures, `(B, C, H, W)`; what is returned waits for the results, `(B, H, W)`, on their device.

    `work` takes `(H, W, C)` float32 and gives `(H, W)`, and must not depend on what other threads do: then the results
    don't depend on how many there are. An error in it is raised by the waiting. With one core, or for one picture, the
    work is done at once.
    """
    pictures = list(np.ascontiguousarray(images.detach().float().movedim(1, -1).cpu().numpy()))
    if len(pictures) == 1 or cores() == 1:
        done = [work(picture) for picture in pictures]
        return lambda: _stacked(done, images.device)
    running = [_pool(os.getpid()).submit(work, picture) for picture in pictures]
    return lambda: _stacked([future.result() for future in running], images.device)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Of this process: a forked one has none of its parent's threads."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="whitebox")


def _stacked(labels: list[NDArray[np.int64]], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(labels)).to(device)
