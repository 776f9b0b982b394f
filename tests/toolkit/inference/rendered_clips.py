"""Clips that are rendered from ToonWorld: each frame carries its number, each second has a tone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from toonlab_world.render.render import render, scene_key

Picture = NDArray[np.uint8]  # (H, W, 3)

WIDTH, HEIGHT = 96, 64
RATE, SOUND = 25, 16_000
BASE = Fraction(1, 12_800)
STEADY = tuple(range(0, 100 * 512, 512))  # 100 frames, four seconds
UNEVEN = (0, *np.cumsum([512 + 37 * (n % 7) + (900 if n % 11 == 0 else 0) for n in range(99)]).tolist())
_BITS, _BLOCK = 10, 8
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND


@cache
def scene() -> Picture:
    return render(scene_key(3, "train", 1), 160, ("photo",))["photo"]


def frame(number: int, size: tuple[int, int] = (WIDTH, HEIGHT), still: bool = False) -> Picture:
    """A pan over a scene; blocks in the first row are the bits of the frame's number."""
    width, height = size
    at = 0 if still else number % 40
    picture = np.ascontiguousarray(cv2.resize(scene()[at : at + 100, at : at + 100], size))
    for bit in range(_BITS):
        picture[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 255 if number >> bit & 1 else 0
    picture[height - 12 :, : width // 4] = (220, 30, 30)
    return picture


def number_of(picture: Picture) -> int:
    """The number of a frame, as shown or as its negative (see `Inverse` of the tests): bit 9 is never set."""
    bits = [picture[2:6, bit * _BLOCK + 2 : (bit + 1) * _BLOCK - 2].mean() > 127 for bit in range(_BITS)]
    return sum((bit != bits[-1]) << place for place, bit in enumerate(bits))


def encode(
    path: Path,
    times: Sequence[int] = STEADY,
    pictures: Sequence[Picture] | None = None,
    container: str | None = None,
    codec: str = "libx264",
    sound: str | None = "aac",
    turn: tuple[float, bool] | None = None,
    tags: tuple[int, int, int, int] = (1, 1, 1, 1),
    kind: str = "yuv420p",
    **options: str,
) -> Path:
    """A clip with B-frames and sound; `times` in units of `BASE`; `turn` counterclockwise, and mirrored or not."""
    pictures = [frame(number) for number in range(len(times))] if pictures is None else pictures
    with av.open(str(path), "w", format=container, options=options) as file:
        stream: Any = file.add_stream(codec, rate=RATE, options={"crf": "8"} if codec == "libx264" else {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.time_base = kind, BASE
        context = stream.codec_context
        context.time_base, context.gop_size, context.bit_rate = BASE, 24, 4_000_000
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = tags
        if turn:
            stream.set_display_rotation(turn[0], hflip=turn[1])
        voice: Any = file.add_stream(sound, rate=SOUND, layout="mono") if sound else None
        tones = _tones(times[-1] * BASE) if sound else iter(())
        for time, picture in zip(times, pictures, strict=True):
            rgb = av.VideoFrame.from_ndarray(picture, format="rgb24")
            levels, matrix = tags[0] or 1, 5 if tags[1] == 2 else tags[1]
            shown = rgb.reformat(format=kind, dst_colorspace=matrix, dst_color_range=levels)
            shown.pts, shown.time_base = time, BASE
            file.mux(stream.encode(shown))
            for tone in tones:
                file.mux(voice.encode(tone))
                if tone.pts >= time * BASE * SOUND:
                    break
        for each in (stream, voice) if sound else (stream,):
            file.mux(each.encode(None))
    return path


def _tones(seconds: Fraction) -> Iterator[av.AudioFrame]:
    for start in range(0, int(seconds * SOUND), 1024):
        at = (start + np.arange(1024)) / SOUND
        tone = 0.5 * np.sin(2 * np.pi * 880 * at) * (at % 1 < 0.1)
        sound = av.AudioFrame.from_ndarray((tone * 32_000).astype(np.int16)[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = SOUND, start, Fraction(1, SOUND)
        yield sound


def shown(path: Path) -> tuple[list[Fraction], list[Picture]]:
    """The times of all frames in seconds, and the stored pixels."""
    with av.open(str(path)) as file:
        frames = list(file.decode(file.streams.video[0]))
        base = file.streams.video[0].time_base
    assert base is not None
    levels = [2 if each.color_range == 2 else 1 for each in frames]
    matrices = [5 if each.colorspace == 2 else each.colorspace for each in frames]
    pictures = [
        each.reformat(None, None, "rgb24", matrix, None, _EXACT, level, 2).to_ndarray()
        for each, level, matrix in zip(frames, levels, matrices, strict=True)
    ]
    return [each.pts * base for each in frames], pictures


def packets(path: Path, kind: str = "audio") -> list[tuple[Fraction, bytes]]:
    """The times and the bytes of all packets of the first stream of a kind."""
    with av.open(str(path)) as file:
        stream = next(each for each in file.streams if each.type == kind)
        found = [packet for packet in file.demux(stream) if packet.size]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in found]
