"""Frames of a damaged clip are those that can be decoded, and what can't be is counted."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from toonlab.utils.video import decoded_frames


def clip(path: Path) -> Path:
    """Twelve frames, each a JPEG file of its own level."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuvj420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def levels(path: Path) -> tuple[list[int], int]:
    """The level of each frame, and how many packets were damaged."""
    damaged = list[int]()
    with av.open(path) as container:
        frames = decoded_frames(container, container.streams.video[0], lambda: damaged.append(1))
        return [round(frame.to_ndarray(format="rgb24")[0, 0, 0] / 20) for frame in frames], len(damaged)


def test_all_frames_of_a_whole_clip(tmp_path: Path) -> None:
    assert levels(clip(tmp_path / "whole.mkv")) == (list(range(12)), 0)


def test_a_frame_that_can_not_be_decoded_is_left_out_and_counted(tmp_path: Path) -> None:
    path = clip(tmp_path / "damaged.mkv")
    data = path.read_bytes()
    places = [n for n in range(len(data)) if data.startswith(b"\xff\xd8", n)]
    assert len(places) == 12
    begin, end = places[4], places[5] - 20  # between them lies the head of the next packet
    path.write_bytes(data[:begin] + bytes(end - begin) + data[end:])
    found, damaged = levels(path)
    assert found == [n for n in range(12) if n != 4]
    assert damaged == 1


def test_a_truncated_clip_ends_early(tmp_path: Path) -> None:
    path = clip(tmp_path / "short.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    found, _ = levels(path)
    assert found == list(range(len(found)))
    assert 0 < len(found) < 12
