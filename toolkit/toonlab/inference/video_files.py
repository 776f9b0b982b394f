"""Video files by PyAV: frames in with their times, segments of whole frames out, and segments joined with the sound.

Frames are written without B-frames: their order in the file is that in which they are shown, so that segments that were
encoded one by one can be joined without another encoding, at any frame rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from io import BytesIO
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toonlab.errors import ToonlabError, first_line
from toonlab.images.io import fitted
from toonlab.utils.video import decoded_frames

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

Pixels = NDArray[np.uint8]  # (H, W, 3), RGB
Timed = tuple[Fraction, int, Any]  # seconds, the index of its stream, a packet: in this order a file has them
GOP = 48  # frames of a segment, which begins with a keyframe
_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}  # suffix -> container
_ENCODERS = {"webm": ("libvpx-vp9", {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"})}
_H264 = ("libx264", {"crf": "18", "preset": "medium"})
_UNSPECIFIED, _BT709, _BT601 = 2, 1, 6  # colour matrices
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # FFmpeg's codes of those that it converts by -> its scaler's codes
_UPRIGHT = (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)  # the display matrix that changes nothing
_HD_HEIGHT = 720  # no colour matrix is named: players take BT.709 for frames of this height
_LIMITED, _FULL = 1, 2  # colour ranges
_HDR = (16, 18)  # transfer characteristics: PQ, HLG
_OWN = {"major_brand", "minor_version", "compatible_brands", "encoder"}  # metadata that are the container's own


class UnreadableClipError(ToonlabError):
    """A file that is no clip, or one of which no frame can be decoded; the text is the reason, without its name."""


class Shot(NamedTuple):
    """A frame of a clip: its time in units of the clip's time base, its duration there (0: unknown), its pixels."""

    pts: int
    duration: int
    pixels: Pixels


@dataclass(frozen=True)
class Look:
    """What all frames of a clip have in common, and its cartoon keeps.

    `size` is that of the stored frames, width first, even. `matrix` turns them upright (FFmpeg's display matrix, 9
    numbers) and is None where they are. `aspect` is the width of a stored pixel by its height. `tags` are the codes of
    range, matrix, primaries and transfer of the colours; `space` the range and the matrix that they are read by.
    """

    size: tuple[int, int]
    time_base: Fraction
    rate: Fraction | None
    aspect: Fraction
    matrix: tuple[int, ...] | None
    tags: tuple[int, int, int, int]
    space: tuple[int, int]

    def upright(self, stored: Pixels) -> Pixels:
        """A stored frame as it is shown."""
        swapped, across, down = self._turns()
        turned = stored.transpose(1, 0, 2) if swapped else stored
        return turned[:: -1 if down else 1, :: -1 if across else 1]

    def stored(self, upright: Pixels) -> Pixels:
        """The inverse of `upright`."""
        swapped, across, down = self._turns()
        flipped = upright[:: -1 if down else 1, :: -1 if across else 1]
        return flipped.transpose(1, 0, 2) if swapped else flipped

    def _turns(self) -> tuple[bool, bool, bool]:
        """Whether rows become columns, and whether columns and rows are then reversed."""
        if self.matrix is None:
            return False, False, False
        a, b, _, c, d = self.matrix[:5]
        return (True, c < 0, b < 0) if abs(b) > abs(a) else (False, a < 0, d < 0)


def require_av() -> None:
    """Raises a ToonlabError if the package of the extra is missing."""
    try:
        import av
    except ImportError as error:
        raise UnreadableClipError("reading clips needs PyAV: pip install 'toonlab[video]'") from error
    av.logging.set_level(None)


def container_of(target: Path) -> str:
    return _FORMATS[target.suffix.lower()]


class Clip:
    """A clip, opened again for each pass.

    `seconds` is its length as its file says, None if it says nothing; `exact`: that of its frames, not of the longest
    stream. `scaled` says whether its frames are scaled down. After `frames` has ended, `damaged` is the number
    of packets and frames that could not be decoded, or in part only.

    Args:
        path: the file.
        max_side: frames with a longer side are scaled down to it.

    Raises:
        UnreadableClipError: if it is no clip, or none of its frames can be decoded.
    """

    def __init__(self, path: Path, max_side: int | None = None) -> None:
        self.path, self.damaged = path, 0
        self._scaler, self._accurate = _scaler()
        with self._opened() as (container, stream):
            self.seconds, self.exact = _seconds(container, stream)
            first = next(decoded_frames(container, stream), None)
            if first is None:
                raise UnreadableClipError("none of its frames can be decoded")
            self.stored_size = (first.width, first.height)
            self.interlaced = bool(first.interlaced_frame)
            self.look = _look(first, stream, max_side)
            self.origin = float((first.pts or 0) * self.look.time_base)
            self.scaled = max_side is not None and max(self.stored_size) > max_side

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """The container and its first video stream; a cover picture is none."""
        import av

        try:
            container = av.open(str(self.path), metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableClipError(f"can't be read as a clip ({_reason(error)})") from error
        with container:
            streams = [each for each in container.streams.video if not _is_cover(each)]
            if not streams:
                raise UnreadableClipError("has no video stream")
            streams[0].thread_type = "AUTO"
            yield container, streams[0]

    def frames(self, skip: int = 0) -> Iterator[Shot]:
        """All frames that can be decoded, in order, without the first `skip`; times increase strictly."""
        self.damaged, last, number = 0, None, 0
        with self._opened() as (container, stream):
            for frame in decoded_frames(container, stream, self._count_damage):
                time = frame.pts if frame.pts is not None else frame.dts
                if time is None:
                    hint = "`ffmpeg -i CLIP -c copy CLIP.mkv` gives it some"
                    raise UnreadableClipError(f"its frames have no time stamps; {hint}")
                self.damaged += bool(frame.is_corrupt)
                last = time if last is None else max(time, last + 1)
                number += 1
                if number > skip:
                    yield Shot(last, frame.duration or 0, self._pixels(frame))

    def _count_damage(self) -> None:
        self.damaged += 1

    def _pixels(self, frame: VideoFrame) -> Pixels:
        """Upright RGB of a frame, of the clip's size."""
        width, height = self.look.size
        odd = not self.scaled and (frame.width, frame.height) == self.stored_size  # a stream may change its size
        levels, matrix = self.look.space
        rgb = self._scaler.reformat(
            frame,
            *(self.stored_size if odd else self.look.size),
            format="rgb24",
            src_colorspace=None if _is_rgb(frame) else matrix,
            src_color_range=None if _is_rgb(frame) else levels,
            dst_color_range=_FULL,
            interpolation=self._accurate,
            threads=1,
        )
        pixels = np.asarray(rgb.to_ndarray()[:height, :width], np.uint8)
        return np.ascontiguousarray(self.look.upright(pixels))

    def notes(self) -> list[str]:
        """What a user has to know of the cartoon of this clip, a line each."""
        (width, height), lines = self.stored_size, list[str]()
        if not self.scaled and self.look.size != self.stored_size:
            cropped = "x".join(map(str, self.look.size))
            lines.append(f"{width}x{height} pixels are cropped to {cropped}, since the codec needs even sides")
        if self.interlaced:
            text = "is interlaced, so moving edges are combed; `ffmpeg -i CLIP -vf yadif NEW.mkv` mends that"
            lines.append(text)
        if self.look.tags[3] in _HDR:
            lines.append(
                "has a high dynamic range: the network sees pale frames, written with 8 bits; make it SDR first"
            )
        return lines


class SegmentWriter:
    """Encodes frames into a file of their own, which `join` puts together with others.

    Raises:
        ToonlabError: if PyAV lacks the encoder.
    """

    def __init__(self, path: Path, look: Look, container: str) -> None:
        import av

        self.look = look
        self._scaler, self._accurate = _scaler()
        name, options = _ENCODERS.get(container, _H264)
        if name not in av.codecs_available:
            raise ToonlabError(f"this PyAV has no encoder {name}; pip install --force-reinstall av brings one that has")
        self._file = av.open(str(path), "w", format="nut")
        stream: Any = self._file.add_stream(name, rate=look.rate or 25, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = *look.size, "yuv420p"
        stream.time_base = look.time_base
        context = stream.codec_context
        context.time_base, context.max_b_frames, context.gop_size = look.time_base, 0, GOP
        context.sample_aspect_ratio = look.aspect
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = look.tags
        self._stream = stream

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._file.mux(self._stream.encode(None))
        finally:
            self._file.close()

    def add(self, pts: int, pixels: Pixels) -> None:
        """Encode an upright frame."""
        import av

        stored = np.ascontiguousarray(self.look.stored(pixels))
        levels, matrix = self.look.space
        rgb = av.VideoFrame.from_ndarray(stored, format="rgb24")
        frame = self._scaler.reformat(
            rgb,
            format="yuv420p",
            src_color_range=_FULL,
            dst_colorspace=matrix,
            dst_color_range=levels,
            interpolation=self._accurate,
            threads=1,
        )
        frame.pts, frame.time_base = pts, self.look.time_base
        self._file.mux(self._stream.encode(frame))


def join(segments: Sequence[Path], clip: Clip, target: Path, container: str, duration: int) -> list[str]:
    """Write the frames of all segments and the clip's other streams as they are, in the order of time.

    In a container of another kind than the clip's, time begins with 0: an MPEG stream's may begin anywhere.

    Args:
        segments: of `SegmentWriter`, in order.
        clip: whose sound, subtitles, chapters and metadata are copied as far as the container allows.
        target: the file.
        container: its kind.
        duration: of the last frame, in units of the clip's time base.

    Returns:
        What could not be copied, a line each.
    """
    import av

    options = {"movflags": "+faststart", "movie_timescale": str(clip.look.time_base.denominator)}
    with (
        av.open(str(target), "w", format=container, options=options if container in ("mp4", "mov") else {}) as out,
        av.open(str(segments[0])) as first,
        clip._opened() as (source, video),
    ):
        stream = out.add_stream_from_template(first.streams.video[0], opaque=True)
        context = stream.codec_context
        context.framerate, context.sample_aspect_ratio = clip.look.rate or Fraction(25), clip.look.aspect
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = clip.look.tags
        if clip.look.matrix is not None:
            stream.set_display_matrix(clip.look.matrix)
        stream.metadata.update({key: text for key, text in video.metadata.items() if key not in _OWN})
        out.metadata.update({key: text for key, text in source.metadata.items() if key not in _OWN})
        out.set_chapters(source.chapters())
        copied, left = _copies(out, source, video, container)
        out.start_encoding()
        own = _own(segments, stream, duration * clip.look.time_base)
        start = (
            Fraction(0) if target.suffix == clip.path.suffix.lower() else Fraction(source.start_time or 0, 1_000_000)
        )
        for *_, packet in merge(own, _others(source, copied), key=lambda timed: timed[:2]):
            shift = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            out.mux_one(packet)
    squeezed = container == "webm" and clip.look.aspect != 1
    return left + (["its pixels are not square, which a WebM file can't say"] if squeezed else [])


def _copies(out: Any, source: Any, video: Any, container: str) -> tuple[dict[int, Any], list[str]]:
    """The new streams by the index of the source's, and a line on what the container does not take."""
    copied, left = dict[int, Any](), list[str]()
    for each in source.streams:
        if each.index == video.index:
            continue
        if each.type in ("audio", "subtitle") and _fits(each, container):
            made = out.add_stream_from_template(each)
            made.time_base = each.time_base
            made.metadata.update(each.metadata)
            copied[each.index] = made
        else:
            codec = each.codec_context.name if each.codec_context else "unknown codec"
            left.append(f"{'cover' if _is_cover(each) else each.type} ({codec})")
    text = f"left out, since the cartoon's {container} file can't hold it as it is: {', '.join(left)}"
    return copied, [text] if left else []


def _fits(stream: Any, container: str) -> bool:
    """Whether a container takes a stream as it is: tried in memory."""
    import av

    try:
        with av.open(BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError, AttributeError):  # the last one: a stream whose codec is unknown
        return False
    return True


def _own(segments: Sequence[Path], stream: Any, last: Fraction) -> Iterator[Timed]:
    """The packets of all segments, each with the time to the next one as its duration, `last` seconds at the end."""
    for packet, following in pairwise(chain(_of_segments(segments), [None])):
        assert packet is not None
        base = packet.time_base
        until = packet.pts * base + last if following is None else following.pts * following.time_base
        packet.dts, packet.duration = packet.pts, round(until / base) - packet.pts
        packet.stream = stream
        yield packet.dts * base, stream.index, packet


def _of_segments(segments: Sequence[Path]) -> Iterator[Any]:
    import av

    for path in segments:
        with av.open(str(path)) as container:
            yield from (packet for packet in container.demux(container.streams.video[0]) if packet.size)


def _others(source: Any, copied: Mapping[int, Any]) -> Iterator[Timed]:
    """The packets of the copied streams, as far as a damaged file has them."""
    import av

    if not copied:
        return
    with suppress(av.FFmpegError):
        for packet in source.demux([source.streams[index] for index in copied]):
            if packet.size and packet.dts is not None:
                time = packet.dts * packet.time_base
                packet.stream = copied[packet.stream_index]
                yield time, packet.stream.index, packet


def _look(first: VideoFrame, stream: Any, max_side: int | None) -> Look:
    """What the frames have in common, by the first one and its stream."""
    stored = (first.width, first.height)
    scaled = max_side is not None and max(stored) > max_side
    size = fitted(*stored, max_side) if scaled and max_side is not None else stored
    size = (size[0] // 2 * 2, size[1] // 2 * 2)
    if not all(size):
        raise UnreadableClipError(f"{stored[0]}x{stored[1]} pixels are too few for a codec")
    matrix, levels = first.colorspace, _LIMITED if _is_rgb(first) else first.color_range
    if matrix not in _MATRICES:
        assumed = _BT709 if first.height >= _HD_HEIGHT else _BT601
        tagged = matrix if matrix == _UNSPECIFIED and not scaled and not _is_rgb(first) else assumed
    else:
        assumed = tagged = matrix
    return Look(
        size=size,
        time_base=stream.time_base,
        rate=stream.average_rate or stream.guessed_rate,
        aspect=Fraction(stream.sample_aspect_ratio or 1),
        matrix=_display_matrix(first),
        tags=(levels, tagged, first.color_primaries, first.color_trc),
        space=(_FULL if levels == _FULL else _LIMITED, _MATRICES[assumed]),
    )


def _display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    found: Any = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return None
    numbers = tuple(np.frombuffer(bytes(found), np.int32).tolist())
    return None if numbers[:5] == _UPRIGHT[:5] else numbers


def _seconds(container: Any, stream: Any) -> tuple[float | None, bool]:
    """The length of a clip, and whether it is that of its frames, not that of the longest of its streams."""
    if stream.duration:
        return float(stream.duration * stream.time_base), True
    return (container.duration / 1_000_000 if container.duration else None), False


def _is_rgb(frame: VideoFrame) -> bool:
    return frame.format.is_rgb


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _scaler() -> tuple[VideoReformatter, int]:
    """A converter that keeps its tables from frame to frame, and its flags: without them neutral grays get a tint."""
    from av.video.reformatter import Interpolation, VideoReformatter

    return VideoReformatter(), Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or first_line(error)
