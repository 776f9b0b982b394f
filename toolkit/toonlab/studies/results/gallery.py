"""The same photos through every variant of a study, as its finished runs have left them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from toonlab.errors import ToonlabError
from toonlab.images.grid import Row
from toonlab.runs.pictures import SamplePictures, read_pictures

from .results import StudyResults


def sample_rows(results: StudyResults) -> list[Row]:
    """The photos, each variant's fakes by the first seed that has pictures, and the truth where there is one."""
    found = dict(_variants(results))
    if not found:
        return []
    samples = list(found.values())
    fakes = [(label, [_opened(sample.fake) for sample in own]) for label, own in found.items()]
    truths = [_opened(sample.truth) for sample in samples[-1] if sample.truth]
    rows: list[Row] = [("photo", [_opened(sample.photo) for sample in samples[0]]), *fakes]
    return [*rows, ("truth", truths)] if len(truths) == len(samples[-1]) else rows


def _variants(results: StudyResults) -> Iterator[tuple[str, list[SamplePictures]]]:
    for variant in results.variants:
        for cell in results.of(variant.label):
            samples = _read(results.directory / cell.run) if cell.status == "finished" else []
            if samples:
                yield variant.label, samples
                break


def _read(run: Path) -> list[SamplePictures]:
    try:
        return read_pictures(run)
    except ToonlabError:  # the report says so
        return []


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")
