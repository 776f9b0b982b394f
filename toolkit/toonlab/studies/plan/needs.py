"""What a study needs before it can run: files that are missing, and the time that its trainings take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from toonlab.engine.data import Steps, training_images
from toonlab.engine.stages import plan
from toonlab.errors import ToonlabError
from toonlab.recipes.spec import Part, Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Images
from toonlab.studies.executors.cell import CellSpec
from toonlab.studies.results.results import CellResult
from toonlab.utils.paths import unset_variable
from toonlab.utils.text import printable, several

_PICTURES = 1000  # of an epoch, where the folders are missing


def missing(recipes: Iterable[Recipe], catalogue: Catalogue) -> dict[str, str]:
    """What is not on this machine, each thing once: an environment variable, a file or a folder -> what to do.

    Looks at all paths among the parts' parameters, and asks features and metrics for their weights; see `NeedsFiles`.
    """
    found: dict[str, str] = {}
    seen = list[Part]()
    for recipe in recipes:
        for where, part in recipe.part_at.items():
            if part.kind != "observers" and part not in seen:
                seen.append(part)
                for thing, text in list(_missing_paths(where, part)) or _missing_weights(part, catalogue):
                    found.setdefault(thing, text)
    return found


def _missing_paths(where: str, part: Part) -> Iterator[tuple[str, str]]:
    for name, path in part.parameters.items():
        if isinstance(path, Path) and not path.exists():
            variable = unset_variable(path)
            thing = f"${variable}" if variable else printable(path)
            unset = f"the environment variable is not set; export {variable}=FOLDER"
            yield thing, f"{unset if variable else 'no such file or folder'} ({where}.{name})"


def _missing_weights(part: Part, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    if part.kind not in ("features", "metrics"):
        return
    tells = getattr(catalogue.get(part.kind, part.use).factory, "missing", None)
    if tells is not None:
        yield from tells(**part.parameters).items()
        return
    try:
        part.make(catalogue)
    except ToonlabError as error:
        yield part.use, str(error).removeprefix(f"{part.use}: ")


def training_time(
    specs: Sequence[CellSpec],
    finished: Sequence[CellResult],
    catalogue: Catalogue,
    measured: Mapping[str, float],
    given: float | None,
    *,
    complete: bool,
) -> Iterator[str]:
    """Lines on the steps of the trainings that are left, and on their hours; evaluations take further time.

    Args:
        specs: all cells.
        finished: those that have.
        measured: seconds per step by the variants' labels, in addition to those of finished cells.
        given: seconds per step of every variant, in place of measured ones.
        complete: whether nothing is missing; otherwise an epoch is taken to have a thousand pictures.
    """
    done = {(cell.variant.label, cell.seed) for cell in finished}
    left = [s for s in specs if s.recipe.stages and (s.variant.label, s.recipe.train.seed) not in done]
    if not left:
        return
    epochs = _Epochs(catalogue, complete)
    steps = {spec.variant.label: epochs.steps(spec.recipe) for spec in left}
    total = sum(steps[spec.variant.label] for spec in left)
    scale = "" if epochs.known else f" for every {_PICTURES:,} pictures of the larger folder"
    text = f"to train: {several(len(left), 'run')}, {several(total, 'step')}{scale}"
    times = _Times(specs, finished, measured, given)
    untimed = sorted({spec.variant.recipe for spec in left if times.of(spec) is None})
    if untimed:
        yield f"{text}; the time of a step of {', '.join(untimed)} is not known: --step-time SECONDS"
        return
    hours = sum(steps[spec.variant.label] * (times.of(spec) or 0) for spec in left) / 3600
    yield f"{text}: about {f'{hours:,.1f}' if hours >= 1 else f'{hours:.2g}'} {times.unit}, without evaluations"


class _Epochs:
    """The lengths of trainings; pictures of a data set are counted once."""

    def __init__(self, catalogue: Catalogue, complete: bool) -> None:
        self.catalogue, self.complete, self.known = catalogue, complete, True
        self._counted: list[tuple[tuple[Part, bool], tuple[Images, Images]]] = []

    def steps(self, recipe: Recipe) -> int:
        if recipe.train.steps or not any(stage.epochs for stage in recipe.stages):
            return plan(recipe, 1)[-1][2]
        return plan(recipe, self._per_epoch(recipe))[-1][2]

    def _per_epoch(self, recipe: Recipe) -> int:
        if not self.complete:
            self.known = False
            return _PICTURES // recipe.train.batch
        key = recipe.data, recipe.supervised
        if (found := next((images for counted, images in self._counted if counted == key), None)) is None:
            found = training_images(recipe, recipe.data.make(self.catalogue))
            self._counted.append((key, found))
        photos, cartoons = found
        return Steps(photos, cartoons, recipe.train).per_epoch


class _Times:
    """Seconds per step of variants: the given one, or measured ones, if need be of the recipe's other variants."""

    def __init__(
        self,
        specs: Sequence[CellSpec],
        finished: Sequence[CellResult],
        measured: Mapping[str, float],
        given: float | None,
    ) -> None:
        self.given = given
        self.unit = "hours on the device that was measured" if given is None else f"GPU hours at {given:g} s a step"
        found = defaultdict[str, list[float]](list)
        for cell in finished:
            if (seconds := cell.values.get("seconds_per_step")) is not None:
                found[cell.variant.label].append(seconds)
        self._by_label = {**measured, **{label: fmean(times) for label, times in found.items()}}
        self._by_recipe = defaultdict[str, list[float]](list)
        for spec in {spec.variant.label: spec for spec in specs}.values():
            if spec.variant.label in self._by_label:
                self._by_recipe[spec.variant.recipe].append(self._by_label[spec.variant.label])

    def of(self, spec: CellSpec) -> float | None:
        if self.given is not None:
            return self.given
        others = self._by_recipe.get(spec.variant.recipe)
        return self._by_label.get(spec.variant.label, fmean(others) if others else None)
