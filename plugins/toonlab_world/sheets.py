"""Contact sheets: all pictures of a few folders in one, row below row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from toonlab import ToonlabError

COLUMNS = 6
GAP = 4  # pixels between pictures
SUFFIXES = (".png", ".jpg", ".webp")
QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 88, cv2.IMWRITE_WEBP_QUALITY, 82)


def check_sheet(path: Path) -> None:
    """Before any work is done.

    Raises:
        ToonlabError: if no picture can be written there.
    """
    if path.suffix not in SUFFIXES:
        raise ToonlabError(f"--sheet {path}: must end in one of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ToonlabError(f"--sheet {path}: there is no folder {path.parent}")


def write_sheet(path: Path, folders: Sequence[Path], count: int) -> None:
    """The pictures 0 to `count` - 1 of each folder: a row of the first folder, the same of the second below it."""
    rows = []
    for first in range(0, count, COLUMNS):
        for folder in folders:
            shown = [
                cv2.imread(str(folder / f"{index:06d}.png")) for index in range(first, min(first + COLUMNS, count))
            ]
            rows.append(_row([np.asarray(picture) for picture in shown], min(COLUMNS, count)))
    _, encoded = cv2.imencode(path.suffix, np.concatenate(rows), QUALITY)
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise ToonlabError(f"--sheet: can't write {path}: {error.strerror}") from error


def _row(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    size = len(pictures[0])
    row = np.full((size + GAP, columns * (size + GAP), 3), 255, np.uint8)
    for column, picture in enumerate(pictures):
        row[:size, column * (size + GAP) : column * (size + GAP) + size] = picture
    return row
