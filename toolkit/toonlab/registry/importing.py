"""Importing what an entry point names; an error is told with the lines of the plugin's own that it came by."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import metadata
from .metadata import Entry

_FRAMES = 3  # of a traceback: those nearest to the error


@dataclass(frozen=True)
class Spot:
    """A line of a plugin's own files that an error passed through."""

    file: str
    line: int
    source: str


@dataclass(frozen=True)
class Imported:
    """What an entry point names, or why it can't be had; how long that took, in seconds."""

    found: Any
    seconds: float
    reason: str | None = None
    where: tuple[Spot, ...] = ()


def bring(entry: Entry) -> Imported:
    """Import what an entry point names; whatever goes wrong is told, not raised."""
    began = time.perf_counter()
    try:
        found = entry.point.load()
    except (Exception, SystemExit) as error:
        reason = f"failed to import {entry.value}: {type(error).__name__}: {' '.join(str(error).split())}"
        return Imported(None, time.perf_counter() - began, reason, spots(error, entry))
    return Imported(found, time.perf_counter() - began)


def spots(error: BaseException, entry: Entry) -> tuple[Spot, ...]:
    """The lines of a plugin's own files that an error passed through, the last of them nearest to it."""
    top = metadata.file_of(entry.module.partition(".")[0])
    if top is None:
        return ()
    home = top.parent if top.name == "__init__.py" else top
    frames = [(f.filename, f.lineno or 0, f.line or "") for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0, (error.text or "").strip()))
    return tuple(Spot(*frame) for frame in frames if Path(frame[0]).is_relative_to(home))[-_FRAMES:]
