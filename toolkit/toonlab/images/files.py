"""From the pictures that a command is given to the files that it writes: names, progress, what could not be used."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from toonlab.errors import ToonlabError
from toonlab.recipes.load import parse_override

from .io import MAX_PIXELS, complaints, find_pictures, read_picture

_NAMED = 20  # pictures that one message names


@dataclass(frozen=True)
class Job:
    """A picture to read and the PNG file to write for it."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Done:
    """What became of a job: `written`, `skipped` (no picture that can be read) or `failed`, and why."""

    job: Job
    outcome: Literal["written", "skipped", "failed"] = "written"
    reason: str = ""


def parted(arguments: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Files and folders, and `key=value` parameters: arguments with a `=` that are no file."""
    given = list(arguments)
    settings = [text for text in given if "=" in text and not Path(text).exists()]
    return [text for text in given if text not in settings], dict(parse_override(text) for text in settings)


def plan(images: Sequence[str | Path], out: Path, overwrite: bool = False) -> list[Job]:
    """A job for each picture: files as they are given, folders with all below them.

    The written file has the picture's stem; subfolders of a folder are kept. What lies in `out`, where that is inside
    of such a folder, is left out: it comes from an earlier run.

    Raises:
        ToonlabError: if something is not there, if two pictures would become one file, or if a file would be
            overwritten (an input always, others unless `overwrite`).
    """
    if out.exists() and not out.is_dir():
        raise ToonlabError(f"--out {out}: is a file; choose a folder")
    jobs = [job for image in images for job in _jobs(Path(image), out)]
    if not jobs:
        raise ToonlabError("no pictures: give files, or folders of pictures")
    _check_clashes(jobs)
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in sources:
            raise ToonlabError(f"{job.target}: would be overwritten, but is one of the pictures; choose another --out")
        if job.target.exists() and not overwrite:
            raise ToonlabError(f"{job.target}: exists already; choose another --out, or --overwrite")
    return jobs


def _jobs(image: Path, out: Path) -> Iterator[Job]:
    if image.is_file():
        yield Job(image, out / f"{image.stem}.png")
    elif image.exists():
        inside = out.resolve() if image.resolve() in out.resolve().parents else None
        for name in find_pictures(image):
            if inside is None or inside not in (image / name).resolve().parents:
                yield Job(image / name, (out / name).with_suffix(".png"))
    else:
        raise ToonlabError(f"{image}: no such file or folder")


def _check_clashes(jobs: Sequence[Job]) -> None:
    targets = Counter(job.target for job in jobs)
    target, count = targets.most_common(1)[0]
    if count > 1:
        first, second, *_ = (str(job.source) for job in jobs if job.target == target)
        raise ToonlabError(f"{first} and {second} would both become {target}; rename one, or give them to two commands")


def usable(jobs: Sequence[Job], max_pixels: int = MAX_PIXELS) -> tuple[list[Job], list[Done]]:
    """The jobs whose pictures' headers are in order, and the others, skipped with the reason."""
    bad = complaints(Path(), [str(job.source) for job in jobs], max_pixels)
    skipped = [Done(job, "skipped", bad[str(job.source)]) for job in jobs if str(job.source) in bad]
    return [job for job in jobs if str(job.source) not in bad], skipped


def decode(job: Job, max_side: int | None = None) -> Tensor | Done:
    """The picture as `(3, H, W)` uint8, as `read_picture` gives it, or that it was skipped and why."""
    try:
        return read_picture(job.source, max_side=max_side)
    except ToonlabError as error:
        reason = str(error).removeprefix(f"{job.source}: ").removesuffix("; repair or remove it")
        return Done(job, "skipped", reason)


def follow(results: Iterable[Done], total: int, doing: str) -> list[Path]:
    """Show the progress of jobs; returns what was written.

    A bar on a terminal, else a line for each picture. Pictures that were skipped are named in one warning.

    Raises:
        ToonlabError: when all is done, with a line for each picture that failed, or if every picture was skipped.
    """
    seen = list(_shown(results, total, doing))
    skipped = [done for done in seen if done.outcome == "skipped"]
    names = "; ".join(f"{done.job.source}: {done.reason}" for done in skipped[:_NAMED])
    names += f"; and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
    if len(skipped) == total:
        raise ToonlabError(f"none of the pictures can be used: {names}")
    if skipped:
        message = f"{len(skipped)} of {total} pictures can't be used and are left out: {names}"
        warnings.warn(message, UserWarning, stacklevel=2)
    if failed := [done for done in seen if done.outcome == "failed"]:
        raise ToonlabError("\n".join(f"{done.job.source}: {done.reason}" for done in failed))
    return [done.job.target for done in seen if done.outcome == "written"]


def _shown(results: Iterable[Done], total: int, doing: str) -> Iterator[Done]:
    console = Console(stderr=True)
    if not console.is_terminal:
        for number, done in enumerate(results, 1):
            print(f"[{number}/{total}] {done.job.source} -> {_end(done)}", flush=True)
            yield done
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(results, total=total, description=doing)


def _end(done: Done) -> str:
    return str(done.job.target) if done.outcome == "written" else done.outcome
