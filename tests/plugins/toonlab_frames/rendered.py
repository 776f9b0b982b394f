"""A film that is rendered from ToonWorld: cuts, a dissolve, fades, black, credits, a blurred and a repeated shot."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.render.render import render, scene_key

Picture = NDArray[np.uint8]  # (H, W, 3)

WIDTH, HEIGHT, BAR, RATE = 192, 108, 12, 12
SHOWN = HEIGHT - 2 * BAR
SCENES = 14  # all different
REPEATED, BLURRED = 2, 5  # the scene that comes twice, and one that is out of focus
LOGO = (170, 16, 186, 26)  # left, top, right, bottom


@cache
def scene(number: int, size: int = WIDTH + 30) -> Picture:
    return render(scene_key(3, "train", number), size, ("cartoon",))["cartoon"]


def shot(number: int, frames: int = 18) -> list[Picture]:
    """A pan over a scene, a pixel a frame; all frames but one in the middle are a little out of focus."""
    still = scene(number)
    if number == BLURRED:
        still = cv2.GaussianBlur(still, (0, 0), 6)
    found = [still[40 : 40 + SHOWN, at : at + WIDTH] for at in range(frames)]
    return [each if at == frames // 2 else cv2.GaussianBlur(each, (0, 0), 0.8) for at, each in enumerate(found)]


def faded(pictures: list[Picture], first: float, last: float) -> list[Picture]:
    shares = np.linspace(first, last, len(pictures))
    return [(share * each).astype(np.uint8) for share, each in zip(shares, pictures, strict=True)]


def dissolve(one: Picture, other: Picture, frames: int = 12) -> list[Picture]:
    shares = np.linspace(0, 1, frames)[:, None, None, None]
    return list(((1 - shares) * one + shares * other).astype(np.uint8))


def credits(frames: int = 30) -> list[Picture]:
    page = np.zeros((SHOWN + 3 * frames, WIDTH, 3), np.uint8)
    for row in range(20, len(page), 16):
        cv2.putText(page, "DRAWN BY  A N OTHER", (16, row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (235, 235, 235), 1)
    return [page[3 * at : 3 * at + SHOWN] for at in range(frames)]


def scenario() -> list[Picture]:
    """The frames between the bars: 14 shots, of which one is blurred, one again, black, a dissolve, credits."""
    black = [np.zeros((SHOWN, WIDTH, 3), np.uint8)] * 6
    first = shot(0, 30)
    frames = [*black, *faded(first[:6], 0, 1), *first[6:]]
    for number in range(1, 6):
        frames += shot(number)
    six, seven = shot(6, 30), shot(7, 30)
    frames += [*six, *dissolve(six[-1], seven[0]), *seven]
    for number in range(8, 12):
        frames += shot(number)
    twelve = shot(12, 30)
    frames += [*shot(REPEATED), *twelve[:-6], *faded(twelve[-6:], 1, 0), *black, *shot(13), *credits()]
    return frames


def finished(shown: Picture) -> Picture:
    """With black bars above and below, and a logo."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frame[BAR : HEIGHT - BAR] = shown
    left, top, right, bottom = LOGO
    cv2.rectangle(frame, (left, top), (right - 1, bottom - 1), (250, 250, 250), 1)
    cv2.line(frame, (left, top), (right - 1, bottom - 1), (250, 250, 250), 1)
    return frame


def encode(
    path: Path,
    frames: Sequence[Picture],
    codec: str = "mpeg4",
    gop: int = 12,
    rate: int = RATE,
    bit_rate: int = 1_500_000,
    rotation: int = 0,
    aspect: Fraction | None = None,
    transfer: int | None = None,
    **options: str,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", gop, bit_rate
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if transfer:
            stream.codec_context.color_trc = transfer
        if rotation:
            stream.set_display_rotation(rotation)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return path
