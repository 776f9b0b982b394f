"""The same photos through every method, as pictures that are embedded in a page."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from toonlab.errors import ToonlabError
from toonlab.runs.pictures import Patches, SamplePictures, read_pictures
from toonlab.studies.results.results import StudyResults

MOST = 100  # pictures of a page, about
SMALL = 96  # px of a longer side up to which a picture is kept without loss: its lines would suffer


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI; `width` and `height` in pixels of the original."""

    label: str
    uri: str
    width: int
    height: int
    patches: Mapping[str, Patches]


@dataclass
class Scene:
    """A photo, what each variant made of it, and the truth; None where there is no photo or truth."""

    name: str
    photo: Picture | None
    fakes: list[Picture]
    truth: Picture | None

    @property
    def first(self) -> Picture:
        """The picture that stands for the scene."""
        return self.photo or self.fakes[0]


@dataclass(frozen=True)
class Gallery:
    """All scenes; `missing` says why there are no pictures of some variants: reason -> labels."""

    scenes: Sequence[Scene]
    missing: Mapping[str, Sequence[str]]

    @property
    def critics(self) -> list[str]:
        """The critics whose patches are shown."""
        return list(dict.fromkeys(critic for scene in self.scenes for fake in scene.fakes for critic in fake.patches))


def gallery(results: StudyResults) -> Gallery:
    """The first test photos through every variant, by its first seed that has pictures."""
    scenes: dict[str, Scene] = {}
    missing: defaultdict[str, list[str]] = defaultdict(list)
    count = max(2, MOST // (len(results.variants) + 2))
    for label in (variant.label for variant in results.variants):
        finished = [cell for cell in results.of(label) if cell.status == "finished"]
        try:
            samples = next((found for cell in finished if (found := read_pictures(results.directory / cell.run))), [])
            fakes = [_picture(label, sample, sample.fake, sample.patches) for sample in samples[:count]]
        except (ToonlabError, OSError) as error:  # a damaged file: the rest of the report stands
            missing[str(error)].append(label)
            continue
        for sample, fake in zip(samples, fakes, strict=False):
            _scene(scenes, sample).fakes.append(fake)
        if not samples:
            missing["its runs have left no pictures here" if finished else "no run of it has finished"].append(label)
    return Gallery(list(scenes.values()), missing)


def _scene(scenes: dict[str, Scene], sample: SamplePictures) -> Scene:
    """The scene of a sample; of several sizes of a photo, the largest is shown."""
    scene = scenes.get(sample.name)
    if scene is None or (scene.photo and scene.photo.width < sample.width):
        photo, truth = (
            _picture(kind, sample, sample.files[kind]) if kind in sample.files else None for kind in ("photo", "truth")
        )
        scene = scenes[sample.name] = Scene(sample.name, photo, scene.fakes if scene else [], truth)
    return scene


def _picture(label: str, sample: SamplePictures, path: Path, patches: Mapping[str, Patches] | None = None) -> Picture:
    """Small pictures as they are, others as slightly lossy WebP."""
    data, form = path.read_bytes(), "png"
    with Image.open(io.BytesIO(data)) as image:
        if max(image.size) > SMALL:
            file = io.BytesIO()
            image.save(file, "WEBP", quality=88, method=2)
            data, form = file.getvalue(), "webp"
    uri = f"data:image/{form};base64,{base64.b64encode(data).decode()}"
    return Picture(label, uri, sample.width, sample.height, patches or {})
