"""The same photos through every variant of a study, as its finished runs have left them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PIL import Image

from toonlab.errors import ToonlabError
from toonlab.images.grid import Row
from toonlab.runs.pictures import SamplePictures, read_pictures

from .results import StudyResults


def sample_rows(results: StudyResults) -> list[Row]:
    """Each variant's fakes by the first seed that has pictures, with photos and the truth where there are any."""
    found: dict[str, list[SamplePictures]] = {}
    for cell in results.cells:
        if cell.status == "finished" and cell.variant.label not in found:
            with suppress(ToonlabError):  # the report says so
                if samples := read_pictures(results.directory / cell.run):
                    found[cell.variant.label] = samples
    if not found:
        return []
    labels = [variant.label for variant in results.variants if variant.label in found]
    photos, truths = ([getattr(s, kind) for s in found[labels[at]]] for kind, at in (("photo", 0), ("truth", -1)))
    rows = [("photo", photos)] if all(photos) else []
    rows += [(label, [sample.fake for sample in found[label]]) for label in labels]
    rows += [("truth", truths)] if all(truths) else []
    return [(label, [_opened(path) for path in paths]) for label, paths in rows]


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")
