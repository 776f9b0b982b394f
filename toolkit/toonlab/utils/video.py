"""Frames of videos, of damaged ones as many as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import VideoFrame


def decoded_frames(container: Any, stream: Any, on_damage: Callable[[], None] = lambda: None) -> Iterator[VideoFrame]:
    """The frames of a stream, in the order in which they are shown; of a damaged file those that can be decoded.

    Args:
        container: opened by PyAV.
        stream: of the container.
        on_damage: called for each packet that can't be decoded.
    """
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):  # the end, or that of a truncated file
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:  # the next one may be whole
            on_damage()
            continue
        yield from frames
