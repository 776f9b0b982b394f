"""The picture files that a command reads and writes: planning, decoding, progress, and a summary of failures."""

import errno
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from toonlab.errors import PartlyFailedError, ToonlabError
from toonlab.recipes.load import parse_override
from toonlab.utils.text import printable

from .folders import MAX_PIXELS, find_clips, find_pictures, is_clip, picture_stem, scan_pictures
from .io import allow_pixels, read_picture, write_png

CLIP_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})
"""Suffixes that a clip's cartoon keeps; of others it becomes a .mkv, which holds any sound."""
_NAMED = 20  # pictures that one message names
_LARGE = 2**24  # pixels: a picture of more may take minutes
_OF_ALL_FILES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # what keeps one file from being written, and all others too


@dataclass(frozen=True)
class PictureTask:
    """A picture to read and the PNG file to write for it; or a clip, and the file of its cartoon."""

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
    settings = [text for text in texts if "=" in text and not os.path.exists(text)]  # noqa: PTH110 (a long text is no path)
    return [text for text in texts if text not in settings], dict(parse_override(text) for text in settings)


def plan_tasks(
    images: Sequence[str | Path], out: Path, overwrite: bool = False, keep_suffix: bool = False, clips: bool = False
) -> list[PictureTask]:
    """A task for each picture: for files, and for all pictures below folders.

    The written file has the picture's stem; subfolders are kept. If `out` lies inside such a folder, its pictures are
    left out: they come from an earlier run. Of pictures that would become one file, the second gets the number 2 and so
    on, with a warning.

    Args:
        keep_suffix: keep the picture's suffix in the name: `a.jpg.png`.
        clips: also a task for each clip, by its suffix (`CLIPS`); the written file has a suffix of `CLIP_SUFFIXES`.

    Raises:
        ToonlabError: if a file or folder does not exist, or if a file would be overwritten (an input always, other
            files unless `overwrite`).
    """
    if os.path.isfile(out):  # noqa: PTH113 (False for names that are too long)
        raise ToonlabError(f"--out {printable(out)}: is a file; choose a folder")
    named = partial(_target_name, keep_suffix=keep_suffix, clips=clips)
    tasks = list(dict.fromkeys(task for image in images for task in _tasks_of(Path(image), out, named, clips)))
    if not tasks:
        raise ToonlabError("no pictures: give files, or folders of pictures")
    tasks = _numbered(tasks)
    sources = {task.source.resolve() for task in tasks}
    for task in tasks:
        if task.target.resolve() in sources:
            text = "would be overwritten, but is one of the pictures; choose another --out"
            raise ToonlabError(f"{printable(task.target)}: {text}")
        if os.path.exists(task.target) and not overwrite:  # noqa: PTH110 (False for names that are too long)
            raise ToonlabError(f"{printable(task.target)}: exists already; choose another --out, or --overwrite")
    return tasks


def _tasks_of(image: Path, out: Path, named: Callable[[str], str], clips: bool) -> Iterator[PictureTask]:
    if os.path.isfile(image):  # noqa: PTH113 (False for names that are too long)
        yield PictureTask(image, out / named(image.name))
    elif os.path.isdir(image):  # noqa: PTH112
        inside = out.resolve() if image.resolve() in out.resolve().parents else None
        found = find_clips(image) if clips else []
        for name in [*find_pictures(image, required=not found), *found]:
            if inside is None or inside not in (image / name).resolve().parents:
                target = out / name
                yield PictureTask(image / name, target.with_name(named(target.name)))
    else:
        reason = "neither a file nor a folder" if os.path.lexists(image) else "no such file or folder"
        raise ToonlabError(f"{printable(image)}: {reason}")


def _target_name(name: str, keep_suffix: bool, clips: bool) -> str:
    if clips and is_clip(name):
        stem, _, suffix = name.rpartition(".")
        suffix = f".{suffix.lower()}"
        return f"{stem}{suffix}" if suffix in CLIP_SUFFIXES else f"{name if keep_suffix else stem}.mkv"
    return f"{name if keep_suffix else picture_stem(name)}.png"


def _numbered(tasks: Sequence[PictureTask]) -> list[PictureTask]:
    """The tasks, each with a file of its own."""
    wanted, taken, numbered = {task.target for task in tasks}, set[Path](), list[PictureTask]()
    for task in tasks:
        target, number = task.target, 1
        while target in taken or (number > 1 and target in wanted):
            number += 1
            target = task.target.with_name(f"{task.target.stem}-{number}{task.target.suffix}")
        taken.add(target)
        numbered.append(PictureTask(task.source, target))
    changed = [task for task, before in zip(numbered, tasks, strict=True) if task != before]
    if changed:
        first = f"{printable(changed[0].source)} becomes {printable(changed[0].target)}"
        more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        text = f"pictures of one name are numbered: {first}{more}; --keep-suffix keeps their suffixes in the names"
        warnings.warn(text, UserWarning, stacklevel=3)
    return numbered


def allowed(max_pixels: int | None) -> int:
    """The limit of pixels that a user gave, or the default; Pillow opens pictures of that size afterwards."""
    allow_pixels(max_pixels or 2 * MAX_PIXELS)  # a JPEG that is decoded at a part of its size may be larger
    return max_pixels or MAX_PIXELS


def split_readable(
    tasks: Sequence[PictureTask], max_side: int | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[list[PictureTask], list[PictureResult]]:
    """The tasks whose pictures have valid headers, and a skipped result with the reason for each of the others.

    One warning names the largest picture, if it may take long.
    """
    sizes, bad = scan_pictures(Path(), [str(task.source) for task in tasks], max_pixels, max_side)
    if sizes and max_side is None:
        name, (width, height) = max(sizes.items(), key=lambda item: item[1][0] * item[1][1])
        if width * height > _LARGE:
            text = f"{printable(name)}: {width}x{height} pixels may take minutes; --max-side 2048 scales it down first"
            warnings.warn(text, UserWarning, stacklevel=2)
    reasons = {name: _of_option(reason) for name, reason in bad.items()}
    skipped = [PictureResult(t, "skipped", reasons[str(t.source)]) for t in tasks if str(t.source) in reasons]
    return [task for task in tasks if str(task.source) in sizes], skipped


def _of_option(reason: str) -> str:
    """A reason not to read a picture, with the options of the command line."""
    if "max_pixels=" not in reason:
        return reason
    hint = "raise that, or scale JPEG files down with --max-side"
    return f"{reason.replace('max_pixels=', '--max-pixels ')}; {hint}"


def decode_task(task: PictureTask, max_side: int | None = None) -> Tensor | PictureResult:
    """The picture as `(3, H, W)` uint8 (see `read_picture`), or a skipped result with the reason."""
    try:
        return read_picture(task.source, max_side=max_side)
    except ToonlabError as error:
        reason = str(error).removeprefix(f"{printable(task.source)}: ").removesuffix("; repair or remove it")
        return PictureResult(task, "skipped", reason)


def write_result(task: PictureTask, picture: Image.Image) -> PictureResult:
    """Write a finished picture; a failed result if only this file can't be written.

    Raises:
        ToonlabError: if no other file can be written either, such as on a full disk.
    """
    try:
        write_png(task.target, picture)
    except OSError as error:
        return refused(task, error)
    return PictureResult(task)


def refused(task: PictureTask, error: OSError) -> PictureResult:
    """A failed result for a file that can't be written.

    Raises:
        ToonlabError: if no other file can be written either, such as on a full disk.
    """
    text = f"{printable(task.target)}: can't be written: {error.strerror or error}"
    if error.errno in _OF_ALL_FILES:
        raise ToonlabError(f"{text}; make room, or choose another --out") from error
    return PictureResult(task, "failed", text)


def collect_results(results: Iterable[PictureResult], total: int, doing: str, what: str = "pictures") -> list[Path]:
    """Collect the results of all tasks while showing their progress; return the written files.

    Progress is a bar on a terminal, otherwise a line for each picture. One warning names all skipped pictures; `what`
    says what they are.

    Raises:
        PartlyFailedError: at the end, with a line for each failed picture, if others were written.
        ToonlabError: if none was written.
    """
    seen = list(_with_progress(results, total, doing))
    skipped = [result for result in seen if result.outcome == "skipped"]
    failed = [result for result in seen if result.outcome == "failed"]
    names = "; ".join(f"{printable(result.task.source)}: {result.reason}" for result in skipped[:_NAMED])
    names += f"; and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
    if len(skipped) == total:
        raise ToonlabError(f"none of the {what} can be used: {names}")
    if skipped:
        message = f"left out: {len(skipped)} of {total} {what} can't be used: {names}"
        warnings.warn(message, UserWarning, stacklevel=2)
    if failed:
        lines = [f"{printable(result.task.source)}: {result.reason}" for result in failed[:_NAMED]]
        lines += [f"{len(failed) - _NAMED} more failed"] if len(failed) > _NAMED else []
        raise (PartlyFailedError if len(skipped) + len(failed) < total else ToonlabError)("\n".join(lines))
    return [result.task.target for result in seen if result.outcome == "written"]


def _with_progress(results: Iterable[PictureResult], total: int, doing: str) -> Iterator[PictureResult]:
    console = Console(stderr=True)
    if not console.is_terminal:
        for number, result in enumerate(results, 1):
            outcome = printable(result.task.target) if result.outcome == "written" else result.outcome
            print(f"[{number}/{total}] {printable(result.task.source)} -> {outcome}", flush=True)
            yield result
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(results, total=total, description=doing)
