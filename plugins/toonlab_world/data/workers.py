"""Work on many scenes in several processes that import no torch, with a progress bar."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures.process import BrokenProcessPool

import cv2
from rich.console import Console
from rich.progress import Progress

from toonlab import ToonlabError

Chunk = Callable[[range], None]  # works on the scenes of these indices
FEW_PIXELS = 2**21  # less work than this takes less time than starting processes
IDLE_SECONDS = 5  # after which joblib ends its processes


def spread(chunk: Chunk, count: int, size: int, about: str, processes: int | None = None) -> None:
    """Call `chunk` on ranges that cover `range(count)`, on all cores unless the work is small.

    Args:
        chunk: picklable; the order of calls is not defined.
        count: number of scenes.
        size: side of a picture in pixels, from which the amount of work is estimated.
        about: the text of the progress bar.
        processes: number of processes; 1 is this one. None: one for each core, or 1 for little work.

    Raises:
        ToonlabError: if a process died.
    """
    from joblib import Parallel, cpu_count, delayed

    small = count * size * size < FEW_PIXELS
    daemonic = multiprocessing.current_process().daemon  # such a process may start no others
    processes = processes or (1 if small or daemonic else cpu_count())
    step = max(1, min(16, count // (4 * processes)))
    ranges = [range(first, min(first + step, count)) for first in range(0, count, step)]
    parallel = Parallel(
        processes, return_as="generator_unordered", batch_size=1, backend="loky", idle_worker_timeout=IDLE_SECONDS
    )
    call = _call if processes == 1 else _call_on_one_thread
    try:
        _follow(parallel(delayed(call)(chunk, indices) for indices in ranges), count, about, quiet=small)
    except BrokenProcessPool as error:
        raise ToonlabError("toonworld: a rendering process died, perhaps because memory ran out") from error


def _call(chunk: Chunk, indices: range) -> int:
    chunk(indices)
    return len(indices)


def _call_on_one_thread(chunk: Chunk, indices: range) -> int:
    cv2.setNumThreads(1)  # joblib limits OpenMP alone
    return _call(chunk, indices)


def _follow(done: Iterable[int], count: int, about: str, quiet: bool) -> None:
    console = Console(stderr=True)
    if not quiet and not console.is_terminal:
        console.print(about, soft_wrap=True, highlight=False)
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(about, total=count)
        for finished in done:
            progress.advance(task, finished)
