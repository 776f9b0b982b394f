"""The command `toonlab world`: pictures of ToonWorld as PNG files, and contact sheets."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from toonlab import ToonlabError

from .data.workers import spread
from .render.render import Split, render, scene_key
from .render.styles import StyleName
from .scene.compose import Kind

Rendering = Literal["photo", "cartoon", "both"]
Picture = NDArray[np.uint8]  # (H, W, 3)
GAP = 4  # pixels between pictures
OPTIONS: dict[str, tuple[int, ...]] = {  # for the encoder, by the file's suffix
    ".png": (),
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 88),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 82),
}
COLUMNS = 6  # of a sheet


def world(
    out: Annotated[Path, typer.Option(help="Folder to write into: OUT/photo/000000.png, OUT/cartoon/000000.png, …")],
    count: Annotated[int, typer.Option(help="Number of scenes.")] = 16,
    size: Annotated[int, typer.Option(help="Side of the pictures, in pixels.")] = 256,
    style: Annotated[Rendering, typer.Option(help="How to render each scene.")] = "both",
    look: Annotated[StyleName, typer.Option(help="How the cartoons are drawn.")] = "bold",
    seed: Annotated[int, typer.Option(help="Of the world; another seed shows other scenes.")] = 0,
    split: Annotated[Split, typer.Option(help="Whose scenes; splits have none in common.")] = "train",
    kind: Annotated[Kind | None, typer.Option(help="Of the scenes; left out, all kinds.")] = None,
    difficulty: Annotated[float, typer.Option(min=0, max=2, help="0: smooth and flat; 1: as hard as real.")] = 1.0,
    sheet: Annotated[Path | None, typer.Option(help="Also all of them in one picture: a .png, .jpg or .webp.")] = None,
) -> None:
    """Render pictures of ToonWorld: soft-lit photos, flat cartoons with outlines, or both of the same scenes."""
    for name, value, low, high in (("count", count, 1, 10**6), ("size", size, 16, 4096), ("seed", seed, 0, 2**63 - 1)):
        if not low <= value <= high:
            raise ToonlabError(f"--{name} {value}: must be {low} to {high}")
    if sheet:
        check_sheet(sheet)
    folders = {name: _folder(out / name) for name in (("photo", "cartoon") if style == "both" else (style,))}
    write = partial(
        _write, folders=folders, size=size, look=look, seed=seed, split=split, kind=kind, difficulty=difficulty
    )
    spread(write, count, size, f"rendering {count} scenes at {size} px")
    if sheet:
        write_sheet(sheet, list(folders.values()), count)
    scenes = "1 scene" if count == 1 else f"{count} scenes"
    typer.echo(f"{scenes} of {size} px: {', '.join(map(str, folders.values()))}")


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / ".writable").touch()
        (path / ".writable").unlink()
    except OSError as error:
        raise ToonlabError(f"--out: can't write to {path}: {error.strerror}; choose another folder") from error
    return path


def _write(
    indices: range,
    folders: dict[str, Path],
    size: int,
    look: StyleName,
    seed: int,
    split: Split,
    kind: Kind | None,
    difficulty: float,
) -> None:
    for index in indices:
        pictures = render(scene_key(seed, split, index), size, tuple(folders), look, kind=kind, difficulty=difficulty)
        for name, picture in pictures.items():
            path = folders[name] / f"{index:06d}.png"
            try:
                path.write_bytes(encoded(".png", picture[..., ::-1]))
            except OSError as error:
                raise ToonlabError(f"--out: can't write {path}: {error.strerror}") from error


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
