"""Cartoonize clips: frame by frame, in segments that an interruption leaves, with the sound as it is."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from pydantic import TypeAdapter
from torch import nn

from toonlab.engine.evaluator import cartoonize
from toonlab.errors import ToonlabError
from toonlab.images.files import PictureResult, PictureTask, refused
from toonlab.images.folders import MAX_PIXELS
from toonlab.ops.levels import to_float
from toonlab.registry.protocols import Postprocessor
from toonlab.runs.directory import digest, write_atomically
from toonlab.utils.progress import Advance, progress
from toonlab.utils.reading import read_json
from toonlab.utils.text import duration, printable, several

from .cartoonize import to_postprocessed
from .flicker import Flicker
from .memory import MemoryBudget
from .video_files import GOP, Clip, Pixels, SegmentWriter, Shot, UnreadableClipError, container_of, join, require_av

_SHORT = 0.25, 1.0, 0.02  # seconds by which a clip may end sooner than its frames' or its file's length; share of it

Progress = Callable[[str, float | None], AbstractContextManager[Advance]]


class _FailedError(ToonlabError):
    """A clip that can be read, but not cartoonized; the text is the reason, without its name."""


@dataclass(frozen=True)
class ClipOptions:
    """How clips are cartoonized.

    Args:
        batch: frames at once; fewer where the memory requires it.
        max_side: frames with a longer side are scaled down to it.
        postprocess: applied to each frame.
        steady: strength of the blend over time against flicker, in [0, 1); see `Flicker`.
        memory: bytes that a forward pass may take; None for the free memory.
        max_pixels: clips with larger frames are skipped.
        identity: JSON values that name the model and the post-processor, without which no interrupted clip goes on.
        progress: tells how far it is, as `toonlab.progress` does; what its function raises ends the clip there.
    """

    batch: int = 4
    max_side: int | None = None
    postprocess: Postprocessor | None = None
    steady: float = 0.0
    memory: int | None = None
    max_pixels: int = MAX_PIXELS
    identity: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = progress


@dataclass(frozen=True)
class Done:
    """What is finished of a clip: segments, frames, and the last one's time and duration in the clip's units."""

    identity: str
    segments: int = 0
    frames: int = 0
    pts: int = 0
    duration: int = 0
    complete: bool = False


_DONE = TypeAdapter(Done)


def cartoonize_clips(
    generator: nn.Module, tasks: Sequence[PictureTask], device: torch.device, options: ClipOptions
) -> Iterator[PictureResult]:
    """Cartoonize clips lazily, one after the other; the memory does not depend on their length.

    A clip that can't be read is skipped, one that can't be cartoonized or written fails, and the others are still
    processed. What can be decoded of a damaged one is used, and a warning tells how far that is. Next to each cartoon
    `NAME.json` says how much it flickers.

    Finished segments lie in a hidden folder next to the cartoon until all are joined; the same call goes on after the
    last of them. A cartoon that is there already, of the same clip, model and options, is kept.

    Args:
        generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1].
        tasks: the clips to read and the files to write, from `toonlab.images.files.plan_tasks`.
        device: where to compute.
        options: how.

    Raises:
        ToonlabError: if no file can be written any more, such as on a full disk.
    """
    budget = MemoryBudget(generator.to(device), device, options.memory)
    weights = _weights(generator) if tasks else ""
    for task in tasks:
        try:
            require_av()
            ClipCartoon(budget, task, options, weights).make()
            yield PictureResult(task)
        except UnreadableClipError as error:
            yield PictureResult(task, "skipped", str(error))
        except _FailedError as error:
            yield PictureResult(task, "failed", str(error))
        except OSError as error:
            yield refused(task, error)


class ClipCartoon:
    """The cartoon of one clip."""

    def __init__(self, budget: MemoryBudget, task: PictureTask, options: ClipOptions, weights: str) -> None:
        self.budget, self.task, self.options = budget, task, options
        self.clip = Clip(task.source, options.max_side)
        self.container = container_of(task.target)
        self.work = task.target.with_name(f".{task.target.name}.part")
        self.summary = task.target.with_name(f"{task.target.name}.json")
        self.flicker = Flicker(options.steady)
        state = task.source.stat()
        self.identity = digest(
            {
                "clip": [state.st_size, state.st_mtime_ns],
                "model": [weights, dict(options.identity)],
                "options": [options.max_side, options.steady],
            }
        )

    def make(self) -> None:
        """Make it, or go on where an earlier call was interrupted."""
        if self._made_before():
            print(f"{printable(self.task.target)}: made before of the same clip, model and options; kept")
            return
        fit = self._fit()
        for note in self.clip.notes():
            self._warn(note)
        finished = False
        self.work.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.work / "lock", timeout=0):
                try:
                    self._finish(self._draw(self._restored(), fit))
                    finished = True
                except KeyboardInterrupt as error:
                    text = "interrupted: what is finished of it is kept, and the same command goes on"
                    raise KeyboardInterrupt(f"{printable(self.task.source)}: {text}") from error
                finally:
                    if not (self.work / "done.json").exists() or finished:
                        shutil.rmtree(self.work, ignore_errors=True)
        except Timeout as error:
            raise _FailedError("another process is at this clip; wait for it, or choose another --out") from error

    def _made_before(self) -> bool:
        with suppress(OSError, ValueError, AttributeError):
            found = json.loads(self.summary.read_text("utf-8")).get("identity")
            return bool(found == self.identity) and self.task.target.is_file()
        return False

    def _fit(self) -> int:
        """Frames at once; raises if not even one can be processed."""
        width, height = self.clip.look.size
        if width * height > self.options.max_pixels:
            text = f"{width}x{height} pixels, more than --max-pixels {self.options.max_pixels}"
            raise UnreadableClipError(f"{text}; raise that, or scale them down with --max-side")
        fit = min(self.options.batch, GOP, self.budget.pictures(height, width))
        if not fit:
            raise _FailedError(self.budget.refusal(height, width))
        return fit

    def _restored(self) -> Done:
        """What an earlier call has finished; the rest of it is removed."""
        fresh = Done(self.identity)
        try:
            done = read_json(self.work / "done.json", _DONE, "remove it")
            if done.identity != self.identity:
                self._warn("another model, other options or another clip than before: begins again")
                done = fresh
            elif done.segments:
                with np.load(self._state(done.segments)) as state:
                    self.flicker.restore(state)
                print(f"{printable(self.task.source)}: goes on after {several(done.frames, 'frame')}", flush=True)
        except (OSError, ToonlabError, ValueError, KeyError):  # nothing there, or damaged
            done = fresh
        return done

    def _segment(self, number: int) -> Path:
        return self.work / f"{number:06d}.nut"

    def _state(self, segments: int) -> Path:
        return self.work / f"state-{segments}.npz"

    def _draw(self, done: Done, fit: int) -> Done:
        """Cartoonize all frames that are not finished, segment by segment."""
        shots = iter(()) if done.complete else self.clip.frames(skip=done.frames)
        with self.options.progress(printable(self.task.source), self.clip.seconds) as to:
            while not done.complete:
                before = done
                done = self._draw_segment(shots, done, fit, to)
                if done.frames - before.frames < GOP:
                    done = replace(done, complete=True)
                np.savez(self._state(done.segments), **self.flicker.state())  # type: ignore[arg-type]
                write_atomically(self.work / "done.json", json.dumps(asdict(done)))
                if before.segments < done.segments:
                    self._state(before.segments).unlink(missing_ok=True)
        return done

    def _draw_segment(self, shots: Iterator[Shot], done: Done, fit: int, to: Advance) -> Done:
        base, left = self.clip.look.time_base, GOP
        if (first := next(shots, None)) is None:
            return done
        batch = [first, *islice(shots, fit - 1)]
        with SegmentWriter(self._segment(done.segments), self.clip.look, self.container) as writer:
            while batch:
                to(batch[0].pts * float(base) - self.clip.origin)
                for shot, cartoon in zip(batch, self._cartoons(batch), strict=True):
                    writer.add(shot.pts, self.flicker.add(shot.pixels, cartoon))
                    step = shot.duration or (shot.pts - done.pts if done.frames else 0)
                    done = replace(done, frames=done.frames + 1, pts=shot.pts, duration=step)
                left -= len(batch)
                batch = list(islice(shots, min(fit, left)))
        return replace(done, segments=done.segments + 1)

    def _cartoons(self, batch: Sequence[Shot]) -> list[Pixels]:
        photos = [torch.from_numpy(shot.pixels).permute(2, 0, 1).contiguous() for shot in batch]
        try:
            fakes = cartoonize(self.budget.generator, to_float(torch.stack(photos).to(self.budget.device)))
        except RuntimeError as error:  # networks refuse a size in different ways
            raise _FailedError(self.budget.failure(error, *photos[0].shape[1:])) from error
        pairs = zip(fakes, photos, strict=True)
        return [np.asarray(to_postprocessed(fake, photo, self.options.postprocess)) for fake, photo in pairs]

    def _finish(self, done: Done) -> None:
        """Join the segments, and move the file to its place."""
        if not done.frames:
            raise UnreadableClipError("none of its frames can be decoded")
        base = self.clip.look.time_base
        last = done.duration or max(1, round(1 / ((self.clip.look.rate or 25) * base)))
        segments = [self._segment(number) for number in range(done.segments)]
        joined = self.work / f"joined{self.task.target.suffix}"
        for line in join(segments, self.clip, joined, self.container, last):
            self._warn(line)
        seconds = (done.pts + last) * float(base) - self.clip.origin
        self._tell_damage(seconds)
        joined.replace(self.task.target)
        summary = {
            "clip": self.task.source.name,
            "frames": done.frames,
            "seconds": round(seconds, 3),
            "steady": self.options.steady,
            **self.flicker.results(),
            "identity": self.identity,
        }
        write_atomically(self.summary, json.dumps(summary, indent=1) + "\n")

    def _tell_damage(self, seconds: float) -> None:
        clip = self.clip
        if clip.damaged:
            self._warn(f"damaged: {several(clip.damaged, 'frame')} can't be decoded, or in part only")
        exact, least, share = _SHORT
        if clip.seconds and clip.seconds - seconds > (exact if clip.exact else max(least, share * clip.seconds)):
            self._warn(f"can be read up to {duration(seconds)} of {duration(clip.seconds)}; the cartoon ends there")

    def _warn(self, text: str) -> None:
        warnings.warn(f"{printable(self.task.source)}: {text}", UserWarning, stacklevel=2)


def _weights(generator: nn.Module) -> str:
    """A hash of the weights, and of the network's form."""
    state = hashlib.blake2b(repr(generator).encode(), digest_size=16)
    for name, value in sorted(generator.state_dict().items()):
        state.update(name.encode())
        state.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()
