"""Work on many scenes in several processes that import no torch, with a progress bar."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import cv2
from rich.console import Console
from rich.progress import Progress

from toonlab import ToonlabError

Chunk = Callable[[range], None]  # works on the scenes of these indices
FEW_PIXELS = 2**21  # less work than this takes less time than starting processes


def spread(chunk: Chunk, count: int, size: int, about: str, processes: int | None = None) -> None:
    """Call `chunk` on ranges that cover `range(count)`, in no defined order, on all cores unless the work is small.

    Args:
        chunk: picklable.
        size: side of a picture in pixels, from which the amount of work is estimated.
        about: the text of the progress bar.
        processes: 1 is this process. None: one for each core, or 1 for little work.

    Raises:
        ToonlabError: if a process died.
    """
    small = count * size * size < FEW_PIXELS
    if processes is None:
        daemonic = multiprocessing.current_process().daemon  # such a process may not start others
        processes = 1 if small or daemonic else _cores()
    step = max(1, min(16, count // (4 * processes)))
    ranges = [range(first, min(first + step, count)) for first in range(0, count, step)]
    console = Console(stderr=True)
    if not small and not console.is_terminal:
        console.print(about, soft_wrap=True, highlight=False)
    with Progress(console=console, transient=True, disable=small or not console.is_terminal) as progress:
        task = progress.add_task(about, total=count)
        for done in (_in_turn if processes == 1 else _in_processes)(chunk, ranges, processes):
            progress.advance(task, len(done))


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_turn(chunk: Chunk, ranges: list[range], processes: int) -> Iterator[range]:
    for indices in ranges:
        chunk(indices)
        yield indices


def _prepare() -> None:
    """One thread for OpenCV, and an end with the parent process, even if that is killed."""
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _in_processes(chunk: Chunk, ranges: list[range], processes: int) -> Iterator[range]:
    """Spawned, not forked: a fork of a process whose libraries run threads may hang."""
    context, workers = multiprocessing.get_context("spawn"), min(processes, len(ranges))
    with ProcessPoolExecutor(workers, context, initializer=_prepare) as pool:
        running = {pool.submit(chunk, indices): indices for indices in ranges}
        try:
            for future in as_completed(running):
                future.result()
                yield running[future]
        except BrokenProcessPool as error:
            hint = 'memory ran out, or a script lacks `if __name__ == "__main__":` around its main part'
            raise ToonlabError(f"toonworld: a rendering process died; {hint}") from error
        finally:
            pool.shutdown(cancel_futures=True)
