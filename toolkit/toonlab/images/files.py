"""The picture files that a command reads and writes: planning, decoding, progress, and a summary of failures."""

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

from .io import MAX_PIXELS, find_pictures, picture_problems, read_picture

_NAMED = 20  # pictures that one message names


@dataclass(frozen=True)
class PictureTask:
    """A picture to read and the PNG file to write for it."""

    source: Path
    target: Path


@dataclass(frozen=True)
class PictureResult:
    """The outcome of a task: `written`, `skipped` (the file is not a readable picture) or `failed`, and the reason."""

    task: PictureTask
    outcome: Literal["written", "skipped", "failed"] = "written"
    reason: str = ""


def split_arguments(arguments: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Separate files and folders from `key=value` parameters, which are arguments with a `=` that name no file."""
    texts = list(arguments)
    settings = [text for text in texts if "=" in text and not Path(text).exists()]
    return [text for text in texts if text not in settings], dict(parse_override(text) for text in settings)


def plan_tasks(images: Sequence[str | Path], out: Path, overwrite: bool = False) -> list[PictureTask]:
    """A task for each picture: for files, and for all pictures below folders.

    The written file has the picture's stem; subfolders are kept. If `out` lies inside such a folder, its pictures are
    left out: they come from an earlier run.

    Raises:
        ToonlabError: if a file or folder does not exist, if two pictures would become one file, or if a file would be
            overwritten (an input always, other files unless `overwrite`).
    """
    if out.exists() and not out.is_dir():
        raise ToonlabError(f"--out {out}: is a file; choose a folder")
    tasks = [task for image in images for task in _tasks_of(Path(image), out)]
    if not tasks:
        raise ToonlabError("no pictures: give files, or folders of pictures")
    _check_clashes(tasks)
    sources = {task.source.resolve() for task in tasks}
    for task in tasks:
        if task.target.resolve() in sources:
            raise ToonlabError(f"{task.target}: would be overwritten, but is one of the pictures; choose another --out")
        if task.target.exists() and not overwrite:
            raise ToonlabError(f"{task.target}: exists already; choose another --out, or --overwrite")
    return tasks


def _tasks_of(image: Path, out: Path) -> Iterator[PictureTask]:
    if image.is_file():
        yield PictureTask(image, out / f"{image.stem}.png")
    elif image.exists():
        inside = out.resolve() if image.resolve() in out.resolve().parents else None
        for name in find_pictures(image):
            if inside is None or inside not in (image / name).resolve().parents:
                yield PictureTask(image / name, (out / name).with_suffix(".png"))
    else:
        raise ToonlabError(f"{image}: no such file or folder")


def _check_clashes(tasks: Sequence[PictureTask]) -> None:
    targets = Counter(task.target for task in tasks)
    target, count = targets.most_common(1)[0]
    if count > 1:
        first, second, *_ = (str(task.source) for task in tasks if task.target == target)
        raise ToonlabError(f"{first} and {second} would both become {target}; rename one, or give them to two commands")


def split_readable(
    tasks: Sequence[PictureTask], max_pixels: int = MAX_PIXELS
) -> tuple[list[PictureTask], list[PictureResult]]:
    """The tasks whose pictures have valid headers, and a skipped result with the reason for each of the others."""
    bad = picture_problems(Path(), [str(task.source) for task in tasks], max_pixels)
    skipped = [PictureResult(task, "skipped", bad[str(task.source)]) for task in tasks if str(task.source) in bad]
    return [task for task in tasks if str(task.source) not in bad], skipped


def decode_task(task: PictureTask, max_side: int | None = None) -> Tensor | PictureResult:
    """The picture as `(3, H, W)` uint8 (see `read_picture`), or a skipped result with the reason."""
    try:
        return read_picture(task.source, max_side=max_side)
    except ToonlabError as error:
        reason = str(error).removeprefix(f"{task.source}: ").removesuffix("; repair or remove it")
        return PictureResult(task, "skipped", reason)


def collect_results(results: Iterable[PictureResult], total: int, doing: str) -> list[Path]:
    """Collect the results of all tasks while showing their progress; return the written files.

    Progress is a bar on a terminal, otherwise a line for each picture. One warning names all skipped pictures.

    Raises:
        ToonlabError: at the end, with a line for each failed picture, or if every picture was skipped.
    """
    seen = list(_with_progress(results, total, doing))
    skipped = [result for result in seen if result.outcome == "skipped"]
    names = "; ".join(f"{result.task.source}: {result.reason}" for result in skipped[:_NAMED])
    names += f"; and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
    if len(skipped) == total:
        raise ToonlabError(f"none of the pictures can be used: {names}")
    if skipped:
        message = f"{len(skipped)} of {total} pictures can't be used and are left out: {names}"
        warnings.warn(message, UserWarning, stacklevel=2)
    if failed := [result for result in seen if result.outcome == "failed"]:
        raise ToonlabError("\n".join(f"{result.task.source}: {result.reason}" for result in failed))
    return [result.task.target for result in seen if result.outcome == "written"]


def _with_progress(results: Iterable[PictureResult], total: int, doing: str) -> Iterator[PictureResult]:
    console = Console(stderr=True)
    if not console.is_terminal:
        for number, result in enumerate(results, 1):
            outcome = result.task.target if result.outcome == "written" else result.outcome
            print(f"[{number}/{total}] {result.task.source} -> {outcome}", flush=True)
            yield result
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(results, total=total, description=doing)
