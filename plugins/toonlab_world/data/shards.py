"""Arrays of pictures in the cache: rendered on first use, memory-mapped afterwards."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from toonlab import ToonlabError, cache_dir
from toonlab_world.render.render import COLORED, DTYPES, Split, render, scene_key
from toonlab_world.render.styles import Style, StyleName
from toonlab_world.scene.compose import Kind
from toonlab_world.scene.noise import VERSION

from .workers import spread

_LOCK, _SOON = ".lock", 60  # of a draft; seconds
RENDERING = ("scene", "render")  # the subpackages that decide the pixels of a scene


@dataclass(frozen=True, slots=True)
class Shards:
    """Renderings of `count` scenes of a split: one array for each name."""

    split: Split
    names: tuple[str, ...]  # of what is rendered; see `render`
    seed: int  # of the world
    count: int
    size: int  # of a side, in pixels
    first: int = 0  # the scenes are `first`, `first + step`, and so on
    step: int = 1
    kind: Kind | None = None  # None: any
    difficulty: float = 0.0
    texture_area: float = 1.0  # as for `render`; left out where there are only cartoons
    style: StyleName | Style = "bold"  # left out where there are only photos, as line_area is
    line_area: float = 1.0

    @property
    def directory(self) -> Path:
        """`<cache>/toonworld/<hash>`: of the parameters, the world's version and the source that decides pixels."""
        identity = json.dumps([asdict(self), VERSION, source_hash()], sort_keys=True)
        return cache_dir() / "toonworld" / blake2b(identity.encode(), digest_size=10).hexdigest()

    def path(self, name: str) -> Path:
        """The array's file, `(count, 3, size, size)` or `(count, size, size)`; rendered now if it isn't there."""
        if not self.directory.is_dir():
            self._render()
        return self.directory / f"{name}.npy"

    def open(self, name: str) -> NDArray[Any]:
        """The array, memory-mapped and read-only."""
        return np.load(self.path(name), mmap_mode="r")

    def _render(self) -> None:
        """Render into a temporary folder and rename it when it is complete, so that `directory` never is incomplete."""
        directory = self.directory
        draft = directory.with_name(f"{directory.name}.{uuid4().hex}.tmp")
        lock = FileLock(draft / _LOCK)
        try:
            draft.mkdir(parents=True)
            lock.acquire()
            _sweep(directory.parent)
            self._allocate(draft)
            about = f"toonworld: rendering {self.count} scenes ({self.split}, {self.size} px)"
            spread(partial(self._fill, draft), self.count, self.size, about)
            draft.replace(directory)
            (directory / _LOCK).unlink()
        except OSError as error:
            if not directory.is_dir():  # else another process was first, with the same bytes
                hint = "set TOONLAB_CACHE to a folder with room"
                raise ToonlabError(f"toonworld: can't keep pictures in {directory.parent}: {error}; {hint}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            lock.release()

    def _allocate(self, directory: Path) -> None:
        for name in self.names:
            channels = (3,) if name in COLORED else ()
            shape = (self.count, *channels, self.size, self.size)
            open_memmap(path := directory / f"{name}.npy", "w+", DTYPES[name], shape)
            if hasattr(os, "posix_fallocate"):  # a full disk is an error here, and would kill the process later
                with path.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        about = {**asdict(self), "version": VERSION}
        (directory / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")

    def _fill(self, directory: Path, indices: Sequence[int]) -> None:
        arrays = {name: open_memmap(directory / f"{name}.npy", "r+") for name in self.names}
        how: dict[str, Any] = {
            name: getattr(self, name) for name in ("kind", "line_area", "texture_area", "difficulty")
        }
        for index in indices:
            key = scene_key(self.seed, self.split, self.first + self.step * index)
            for name, picture in render(key, self.size, self.names, self.style, **how).items():
                arrays[name][index] = np.moveaxis(picture, -1, 0) if name in COLORED else picture


def _sweep(folder: Path) -> None:
    """Delete the drafts of processes that were killed: a living one holds its draft's lock, soon after it was made."""
    for draft in folder.glob("*.tmp"):
        with suppress(OSError):  # it is locked, or another process sweeps, too
            if time.time() - draft.stat().st_mtime > _SOON:
                with FileLock(draft / _LOCK, timeout=0):
                    shutil.rmtree(draft)


@cache
def source_hash(package: Path = Path(__file__).parents[1]) -> str:
    """A hash of the sources of `RENDERING`: another renderer fills another folder."""
    digest = blake2b(digest_size=10)
    for path in sorted(path for name in RENDERING for path in (package / name).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
