"""The photos of visitors and the pictures made of them: what is accepted, and where the files are."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from toonlab import Catalogue, Dataset, ToonlabError, picture_problems, printable, read_picture

KEPT = 3600.0  # seconds after which a visitor's pictures are removed
RENDERED = 12  # different rendered photos


def open_photo(path: Path, max_side: int, max_pixels: int) -> Image.Image:
    """An uploaded photo, upright, in sRGB, and scaled down to a longer side.

    Raises:
        ToonlabError: if it is not a picture, is damaged, or has more than `max_pixels` pixels.
    """
    problem = picture_problems(path.parent, [path.name], max_pixels).get(path.name)
    if problem is None:
        try:
            return Image.fromarray(read_picture(path, max_side=max_side).movedim(0, -1).numpy())
        except ToonlabError as error:
            problem = str(error).partition(": ")[2].removesuffix("; repair or remove it")
    if "cannot identify" in problem:
        problem = "is not a picture that can be read"
    limit = f"more than {max_pixels / 1e6:.0f} megapixels"
    text = re.sub(r"more than max_pixels=\d+", limit, problem).replace(str(path), path.name)
    raise ToonlabError(f"{printable(path.name)}: {text}; choose another photo, such as a JPEG or PNG file")


def rendered_photo(catalogue: Catalogue, number: int, size: int = 512) -> Image.Image:
    """A photo that ToonWorld renders, for those who have none at hand; takes seconds the first time."""
    world: Dataset = catalogue.make("datasets", "toonworld", size=size, evaluation_scenes=1, seed=number % RENDERED)
    photo = world.evaluation()[0].photo
    return Image.fromarray(((photo + 1) * 127.5).round().to(torch.uint8).movedim(0, -1).numpy())


class WorkFolder:
    """A folder of its own for the pictures of each request; those of more than an hour ago are removed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def new(self) -> Path:
        for folder in self.root.iterdir():
            if time.time() - folder.stat().st_mtime > KEPT:
                shutil.rmtree(folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.root))


def file_stem(text: str) -> str:
    """A part of a file's name that every system takes: `ctss (k 4)` -> `ctss-k-4`."""
    return re.sub(r"[^\w.]+", "-", text)[:60].strip("-.") or "picture"
