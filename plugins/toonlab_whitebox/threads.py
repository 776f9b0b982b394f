"""Process the pictures of a batch in background threads.

Threads instead of processes: the expensive parts of scikit-image and numpy release the GIL.
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
    """Start to process pictures, `(B, C, H, W)`; the returned function waits for the results, `(B, H, W)`.

    `work` maps `(H, W, C)` float32 to `(H, W)` and has to be a pure function, so that the results do not depend on the
    number of threads. The returned function raises its errors, and moves the results to the device of the images. With
    one core, or for one picture, the work is done at once.
    """
    pictures = list(np.ascontiguousarray(images.detach().float().movedim(1, -1).cpu().numpy()))
    if len(pictures) == 1 or cores() == 1:
        done = [work(picture) for picture in pictures]
        return lambda: _stacked(done, images.device)
    running = [_pool(os.getpid()).submit(work, picture) for picture in pictures]
    return lambda: _stacked([future.result() for future in running], images.device)


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """The pool of this process: a forked process does not inherit threads."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="whitebox")


def _stacked(labels: list[NDArray[np.int64]], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(labels)).to(device)
