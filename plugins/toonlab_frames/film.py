"""Reading a film: frames with their times, from any time on, as far as they can be decoded; and pictures of frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toonlab import ToonlabError, decoded_frames, printable

if TYPE_CHECKING:
    from av import VideoFrame

Pixels = NDArray[np.uint8]  # (H, W) or (H, W, 3)
Size = tuple[int, int]  # width, height
Crop = tuple[int, int, int, int]  # left, top, right, bottom, in the pixels that the film stores

_FIRST = 1e-6  # seconds: two times that differ by less are one
_AHEAD = 5.0  # seconds that are decoded rather than jumped over
_STEPS_BACK = (0.0, 10.0, float("inf"))  # seconds before a time from which reading is tried; files index badly
_UNSPECIFIED, _HD_HEIGHT = 2, 720  # no colour matrix is named: players take BT.709 for films of this height


class Shown(NamedTuple):
    """A frame and when it is shown, in seconds from the first."""

    time: float
    frame: VideoFrame


class Facts(NamedTuple):
    """What a film's file says of itself. `aspect`: the width of a stored pixel by its height."""

    size: Size
    seconds: float | None
    aspect: float


def require_video() -> None:
    """Raises a ToonlabError if the packages of the extra are missing."""
    try:
        import av
        import imagehash  # noqa: F401
    except ImportError as error:
        raise ToonlabError(f"{error.name} is not installed; pip install 'toonlab[video]'") from error
    av.logging.set_level(None)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream; a cover picture is none."""
    import av
    from av.stream import Disposition

    if not path.is_file():
        raise ToonlabError(f"{printable(path)}: {'is not a file' if path.exists() else 'no such file'}; give a film")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ToonlabError(f"{printable(path)}: can't be read as a film ({reason}); give another copy") from error
    with container:
        streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
        if not streams:
            raise ToonlabError(f"{printable(path)}: has no video stream; give a film")
        streams[0].thread_type = "AUTO"
        yield container, streams[0]


def facts(path: Path) -> Facts:
    """Raises a ToonlabError if the file is no film."""
    with _opened(path) as (container, stream):
        aspect = float(stream.sample_aspect_ratio or 1)
        seconds = container.duration / 1_000_000 if container.duration else None
        return Facts((stream.width, stream.height), seconds, aspect)


def read_frames(path: Path, since: float = 0.0, keyframes: bool = False) -> Iterator[Shown]:
    """The frames from a time on, in order; all that can be decoded, of a damaged or truncated film, too.

    Args:
        keyframes: only those that are stored whole, of which decoding takes far less time.

    Raises:
        ToonlabError: if the file is no film, or gives its frames no times.
    """
    for back in _STEPS_BACK:
        found = False
        for shown in _read(path, max(0.0, since - back), keyframes):
            if not found and shown.time > since + _FIRST and back != _STEPS_BACK[-1] and since > 0:
                break  # the jump went too far
            found = True
            if shown.time >= since - _FIRST:
                yield shown
        if found:
            return


def _read(path: Path, start: float, keyframes: bool) -> Iterator[Shown]:
    import av

    with _opened(path) as (container, stream):
        if keyframes:
            stream.codec_context.skip_frame = "NONKEY"
        origin = float((stream.start_time or 0) * stream.time_base)
        if start > 0:
            with suppress(av.FFmpegError):  # where no jump is possible, all is read up to there
                container.seek(int((start + origin) / stream.time_base), stream=stream)
        for frame in decoded_frames(container, stream):
            if frame.time is None:
                hint = "`ffmpeg -i FILM -c copy FILM.mkv` gives it some"
                raise ToonlabError(f"{printable(path)}: its frames have no time stamps; {hint}")
            yield Shown(frame.time - origin, frame)


class Reader:
    """Frames of a film by their times, which are best asked for in ascending order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames: Iterator[Shown] = iter(())
        self._last: Shown | None = None

    def at(self, time: float) -> Shown | None:
        """The frame whose time is nearest; None if nothing can be decoded within a second of it."""
        if self._last is None or not self._last.time <= time <= self._last.time + _AHEAD:
            self._frames, self._last = read_frames(self.path, max(0.0, time - 1)), None
        before = self._last
        while self._last is None or self._last.time < time - _FIRST:
            if (shown := next(self._frames, None)) is None:
                break
            before, self._last = self._last, shown
        near = [each for each in (before, self._last) if each is not None and abs(each.time - time) <= 1]
        return min(near, key=lambda shown: abs(shown.time - time), default=None)


def small_rgb(frame: VideoFrame, longest: int) -> Pixels:
    """`(H, W, 3)`, whose longer side has at most so many pixels."""
    scale = min(1.0, longest / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
    return np.asarray(small.to_ndarray(), np.uint8)


def picture(frame: VideoFrame, crop: Crop, size: Size) -> Image.Image:
    """The cropped frame, upright, of a size (bicubic, antialiased), as 8-bit RGB."""
    from av.video.reformatter import Colorspace

    untagged_hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_HEIGHT
    rgb = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709 if untagged_hd else None).to_ndarray()
    left, top, right, bottom = crop
    upright = Image.fromarray(np.ascontiguousarray(np.rot90(rgb[top:bottom, left:right], _quarters(frame))))
    return upright if upright.size == size else upright.resize(size, Image.Resampling.BICUBIC)


def shown_size(frame: VideoFrame, crop: Crop, aspect: float, side: int | None) -> Size:
    """The size of a frame's picture: of square pixels, upright, its shorter side scaled down to `side`."""
    width, height = (crop[2] - crop[0]) * aspect, float(crop[3] - crop[1])
    if _quarters(frame) % 2:
        width, height = height, width
    scale = 1.0 if side is None else min(1.0, side / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _quarters(frame: VideoFrame) -> int:
    """The turns by 90 degrees, counterclockwise, that the film's metadata ask for."""
    return round(frame.rotation / 90) % 4
