"""The same photos through every method, as pictures that a page carries within itself."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image
from torch import Tensor

from toonlab.engine.evaluator import Evaluator
from toonlab.engine.train import test_evaluator
from toonlab.errors import ToonlabError, first_line
from toonlab.images.io import fitted, to_picture
from toonlab.inference.inspect import CriticView, look_at
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.studies.results.gallery import generator_of
from toonlab.studies.results.results import CellResult, Results
from toonlab.types import Sample
from toonlab.utils.distributed import pick_device

MOST = 100  # pictures of a page, about
SIDE = 384  # px of a picture's longer side, at most
SMALL = 96  # px up to which a picture is kept without loss: its lines would suffer
BOXES = 24  # patches of a picture, at most

Box = tuple[int, int, int, int]  # top, left, height, width


@dataclass(frozen=True)
class Overlay:
    """The patches that a critic's sampler chooses in a picture, best first, in pixels of the picture."""

    critic: str
    sampler: str
    boxes: Sequence[Box]


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI; `width` and `height` in pixels of the original."""

    label: str
    uri: str
    width: int
    height: int
    overlays: Sequence[Overlay] = ()


@dataclass
class Scene:
    """A photo, what each variant made of it, and the truth where there is one."""

    name: str
    photo: Picture
    fakes: list[Picture] = field(default_factory=list)
    truth: Picture | None = None

    @property
    def pictures(self) -> list[Picture]:
        return [self.photo, *self.fakes, *([self.truth] if self.truth else [])]


@dataclass(frozen=True)
class Gallery:
    """All scenes; `missing` says why there are no pictures of some variants: reason -> labels."""

    scenes: Sequence[Scene]
    missing: Mapping[str, Sequence[str]]

    @property
    def critics(self) -> list[str]:
        """Those of whose patches there are overlays."""
        pictures = [picture for scene in self.scenes for picture in scene.fakes]
        return list(dict.fromkeys(overlay.critic for picture in pictures for overlay in picture.overlays))


def gallery(results: Results, catalogue: Catalogue, device: str = "auto") -> Gallery:
    """The first evaluation photos through every variant, with the first seed whose weights are here."""
    scenes: dict[str, Scene] = {}
    missing: defaultdict[str, list[str]] = defaultdict(list)
    count = max(2, MOST // (len(results.variants) + 2))
    for variant in results.variants:
        done = [cell for cell in results.of(variant.label) if cell.status == "finished"]
        try:
            made = next(found for cell in done if (found := _made(results, cell, catalogue, count, device)))
        except StopIteration:
            missing["its weights are not here" if done else "no run of it has finished"].append(variant.label)
        except Exception as error:  # data or parts that are not here any more: the rest of the report stands
            text = str(error) if isinstance(error, ToonlabError) else f"{type(error).__name__}: {first_line(error)}"
            missing[text].append(variant.label)
        else:
            for sample, fake in made:
                _scene(scenes, sample).fakes.append(fake)
    return Gallery(list(scenes.values()), missing)


def _scene(scenes: dict[str, Scene], sample: Sample) -> Scene:
    """The scene of a sample; of several sizes of a photo, the largest is shown."""
    width = sample.photo.shape[2]
    scene = scenes.get(sample.name)
    if scene is None or scene.photo.width < width:
        truth = sample.truth.cartoon if sample.truth else None
        fakes = scene.fakes if scene else []
        made = None if truth is None else picture("truth", truth)
        scene = scenes[sample.name] = Scene(sample.name, picture("photo", sample.photo), fakes, made)
    return scene


def _made(
    results: Results, cell: CellResult, catalogue: Catalogue, count: int, device: str
) -> list[tuple[Sample, Picture]] | None:
    found = generator_of(results.directory / cell.run, catalogue)
    if found is None:
        return None
    recipe, generator = found
    bench: Evaluator = test_evaluator(recipe, catalogue, min(count, recipe.evaluate.grid))
    place, views = pick_device(device), list(_views(recipe, catalogue))
    fakes = bench.fakes(generator.to(place), place)
    return [
        (sample, picture(cell.variant.label, fake, list(_overlays(fake, views))))
        for sample, fake in zip(bench.samples, fakes, strict=True)
    ]


def _views(recipe: Recipe, catalogue: Catalogue) -> Iterator[tuple[str, str, CriticView]]:
    for name, critic in recipe.critics.items():
        if critic.sampler.use != "whole":
            parameters = ", ".join(f"{key} {value}" for key, value in critic.sampler.parameters.items())
            yield name, critic.sampler.use, CriticView(critic.sampler.make(catalogue), None, parameters)


def _overlays(fake: Tensor, views: Sequence[tuple[str, str, CriticView]]) -> Iterator[Overlay]:
    """What each patch critic's sampler chooses in a fake; one that needs more than the picture is left out."""
    height, width = fake.shape[1:]
    for critic, sampler, view in views:
        try:
            boxes = look_at(view, fake, "fake").boxes
        except Exception:  # a plugin's sampler may want a trained critic, or a whole batch
            continue
        parts = [box for box in boxes if box != (0, 0, height, width)]
        if parts:
            yield Overlay(critic, sampler, parts[:BOXES])


def picture(label: str, image: Tensor, overlays: Sequence[Overlay] = ()) -> Picture:
    """`(3, H, W)` in [-1, 1] as WebP: small ones as they are, others smaller and slightly lossy."""
    height, width = image.shape[1:]
    return Picture(label, _uri(to_picture(image)), width, height, overlays)


def _uri(image: Image.Image) -> str:
    if max(image.size) > SIDE:
        image = image.resize(fitted(*image.size, SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=max(image.size) <= SMALL, quality=88, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
