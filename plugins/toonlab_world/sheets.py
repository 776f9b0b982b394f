"""Contact sheets: all pictures of a few folders in one, row below row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab import ToonlabError

Picture = NDArray[np.uint8]  # (H, W, 3)
COLUMNS = 6
GAP = 4  # pixels between pictures
OPTIONS: dict[str, tuple[int, ...]] = {  # for the encoder, by the file's suffix
    ".png": (),
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 88),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 82),
}


def check_sheet(path: Path) -> None:
    """Before any work is done.

    Raises:
        ToonlabError: if no picture can be written there.
    """
    if path.suffix not in OPTIONS:
        raise ToonlabError(f"--sheet {path}: must end in one of {', '.join(OPTIONS)}")
    if not path.parent.is_dir():
        raise ToonlabError(f"--sheet {path}: there is no folder {path.parent}")


def write_sheet(path: Path, folders: Sequence[Path], count: int) -> None:
    """The pictures 0 to `count` - 1 of each folder: a row of the first folder, the same of the second below it."""
    rows = []
    for first in range(0, count, COLUMNS):
        for folder in folders:
            paths = [folder / f"{index:06d}.png" for index in range(first, min(first + COLUMNS, count))]
            rows.append(row([np.asarray(cv2.imread(str(path)), np.uint8) for path in paths], min(COLUMNS, count)))
    try:
        path.write_bytes(encoded(path.suffix, np.concatenate(rows)))
    except OSError as error:
        raise ToonlabError(f"--sheet: can't write {path}: {error.strerror}") from error


def encoded(suffix: str, picture: Picture) -> bytes:
    """The bytes of a file; `picture` is BGR, as OpenCV has it."""
    return cv2.imencode(suffix, picture, OPTIONS[suffix])[1].tobytes()


def row(pictures: Sequence[Picture], columns: int | None = None) -> Picture:
    """Square pictures of one size side by side, with white gaps, and white where there are fewer than `columns`."""
    size = len(pictures[0])
    canvas = np.full((size + GAP, (columns or len(pictures)) * (size + GAP), 3), 255, np.uint8)
    for column, picture in enumerate(pictures):
        canvas[:size, column * (size + GAP) : column * (size + GAP) + size] = picture
    return canvas
