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
    """The photos, each variant's fakes by the first seed that has pictures, and the truth where there is one."""
    found: dict[str, list[SamplePictures]] = {}
    for cell in results.cells:
        if cell.status == "finished" and cell.variant.label not in found:
            with suppress(ToonlabError):  # the report says so
                if samples := read_pictures(results.directory / cell.run):
                    found[cell.variant.label] = samples
    if not found:
        return []
    ordered = {variant.label: found[variant.label] for variant in results.variants if variant.label in found}
    first, *_, last = [*ordered.values(), *ordered.values()]
    rows = [("photo", [sample.photo for sample in first])]
    rows += [(label, [sample.fake for sample in own]) for label, own in ordered.items()]
    if all(sample.truth for sample in last):
        rows.append(("truth", [sample.truth for sample in last if sample.truth]))
    return [(label, [read_rgb(path) for path in paths]) for label, paths in rows]


def read_rgb(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")
