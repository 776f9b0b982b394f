"""Train one recipe, in the directory that its identity names: from the start, or on from its last checkpoint."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import nn

from toonlab.errors import BusyError, ToonlabError
from toonlab.recipes.load import load
from toonlab.recipes.spec import Part, Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.observers import Observers, Outcome, Run, with_tracking_uri
from toonlab.registry.protocols import Dataset, ReadyMade
from toonlab.runs.directory import digest, environment, prepare, read_outcome, run_identity, what_changed
from toonlab.utils.distributed import DistributedContext, Precision, has_bf16, launch

from .builder import build, build_fixed, plan
from .data import Steps
from .evaluator import Evaluator, evaluation_cartoons, test_split
from .loop import Training
from .trainer import Life, Scoring


@dataclass(frozen=True)
class Trained:
    """A run and how it ended; `reused` if it had finished before and was not trained again."""

    run: Run
    outcome: Outcome
    reused: bool = False


def train(
    recipe: Recipe,
    catalogue: Catalogue,
    root: Path = Path("runs"),
    experiment: str | None = None,
    distributed: DistributedContext | str = "auto",
    command: str | None = None,
    listeners: Mapping[str, object] | None = None,
    identity: Mapping[str, Any] | None = None,
    study: str | None = None,
    tracking_uri: str | None = None,
) -> Trained:
    """Train a recipe to its end, or return what a finished run of the same identity left.

    A run of the same identity that was killed or stopped goes on from its last checkpoint, and ends with the same bits
    (on a CPU, with as many threads). A recipe without stages trains nothing: its generator is measured as it is.

    Args:
        recipe: what to train.
        root: the folder of all runs.
        experiment: the folder within; the recipe's name where not given.
        world: the processes that train together, or one device: `auto` (a GPU where there is one), `cpu`, `cuda:1`.
        command: what the environment file says was typed.
        listeners: observers by name, beside the recipe's own.
        identity: the run's identity, if somebody has established it already: the code of a study is that which it began
            with, whatever is edited meanwhile.
        study: what the run is part of, for trackers that group runs.
        tracking_uri: where observers that have a parameter `tracking_uri` keep the run, in place of the recipe's.

    Raises:
        RecipeError: if something does not fit, before anything is written.
        BusyError: if another process trains in the run's directory.
        DivergedError: if a loss is no longer a finite number; the outcome says so too.
        Interrupted: after SIGINT or SIGTERM, when everything is saved.
    """
    distributed = launch(distributed) if isinstance(distributed, str) else distributed
    identity = identity or identity_of(recipe, catalogue)
    run = run_of(recipe, identity, root, experiment or recipe.name)
    outcome = distributed.on_first(lambda: read_outcome(run.directory))
    if outcome and outcome.status == "finished":
        return Trained(run, outcome, reused=True)
    dataset: Dataset = recipe.data.make(catalogue)
    begin, steps = (
        _training(recipe, catalogue, dataset, distributed)
        if recipe.stages
        else _scoring(recipe, catalogue, distributed)
    )
    judged = test_split(dataset)
    bench = _bench(recipe, catalogue, dataset if recipe.stages else judged)
    final = _bench(recipe, catalogue, judged) if recipe.stages and judged is not dataset else None
    run = replace(run, steps=steps, environment=environment(distributed, identity, command, study))
    with _alone(run, distributed), Precision(recipe.train.precision):
        distributed.on_first(lambda: (run.directory / "outcome.json").unlink(missing_ok=True))
        parts = recipe.observers if distributed.rank == 0 else {}
        own = {name: _observer(part, catalogue, tracking_uri) for name, part in parts.items()}
        observers = Observers({**own, **(listeners or {})})
        life = begin(recipe=recipe, run=run, bench=bench, observers=observers, distributed=distributed, final=final)
        return Trained(run, life.go())


def _observer(part: Part, catalogue: Catalogue, tracking_uri: str | None) -> object:
    parameters = with_tracking_uri(part.parameters, part.use, catalogue, tracking_uri)
    return replace(part, parameters=parameters).make(catalogue)


def run_of(recipe: Recipe, what: Mapping[str, Any], root: Path, experiment: str) -> Run:
    """The run that a recipe's identity names; its steps are not planned yet."""
    return Run(root, experiment, recipe.name, recipe.train.seed, digest(what), recipe.tree, 0)


def _bench(recipe: Recipe, catalogue: Catalogue, dataset: Dataset) -> Evaluator:
    evaluate = recipe.evaluate
    cartoons = partial(evaluation_cartoons, dataset, evaluate.cartoons)
    return Evaluator(dataset.evaluation(), evaluate.metrics, catalogue, evaluate.samples, cartoons)


def test_evaluator(recipe: Recipe, catalogue: Catalogue, count: int, metrics: Sequence[Part] = ()) -> Evaluator:
    """The first samples that a recipe's results are reported on; without metrics, if none are given."""
    dataset = test_split(recipe.data.make(catalogue))
    cartoons = partial(evaluation_cartoons, dataset, recipe.evaluate.cartoons)
    return Evaluator(dataset.evaluation(), metrics, catalogue, count, cartoons)


def identity_of(recipe: Recipe, catalogue: Catalogue) -> dict[str, Any]:
    """What identifies a recipe's run, from the disk as it is now; `runs.directory.run_identity` says what that is."""
    dataset: Dataset = recipe.data.make(catalogue)
    manifests = {"data": dataset.manifest()}
    generator = None if recipe.stages else build_fixed(recipe, catalogue)
    if isinstance(generator, ReadyMade):
        manifests["pictures"] = generator.manifest()
    return run_identity(recipe, catalogue, manifests)


def measurable(recipe: Recipe, catalogue: Catalogue) -> nn.Module:
    """The generator of a recipe that trains nothing; fakes that lie ready are compared with the samples' photos.

    Raises:
        ToonlabError: if it would have to learn, or if a fake is missing or can't be one of its photo.
    """
    generator = build_fixed(recipe, catalogue)
    if isinstance(generator, ReadyMade):
        generator.check(test_evaluator(recipe, catalogue, recipe.evaluate.samples).samples)
    return generator


def _training(
    recipe: Recipe, catalogue: Catalogue, dataset: Dataset, distributed: DistributedContext
) -> tuple[Callable[..., Life], int]:
    """What begins a training in its directory, and how many steps it has."""
    if recipe.train.precision == "bf16" and not has_bf16(distributed.device):
        text = "train.precision=bf16: this processor has no bf16 instructions and emulates them, tens of times slower"
        warnings.warn(f"{text} than fp32", RuntimeWarning, stacklevel=3)
    distributed.on_first(lambda: len(dataset.train()[0]))  # whatever a data set prepares, it prepares once
    steps = Steps(*dataset.train(), recipe.train, distributed.rank, distributed.size)
    gan = build(recipe, catalogue, distributed)
    return partial(Training, gan=gan, steps=steps), plan(recipe, steps.per_epoch)[-1][2]


def _scoring(recipe: Recipe, catalogue: Catalogue, distributed: DistributedContext) -> tuple[Callable[..., Life], int]:
    """The same for a recipe that trains nothing."""
    return partial(Scoring, generator=measurable(recipe, catalogue).to(distributed.device)), 0


@contextmanager
def _alone(run: Run, distributed: DistributedContext) -> Iterator[None]:
    """Within, the run's directory is there and no other process trains in it."""
    lock = FileLock(run.directory / ".lock")

    def claim() -> None:
        prepare(run)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(f"{run.directory}: another process trains there; wait for it, or stop it") from error

    distributed.on_first(claim)
    try:
        yield
    finally:
        lock.release()


def resume(
    directory: Path,
    catalogue: Catalogue,
    distributed: DistributedContext | str = "auto",
    command: str | None = None,
    tracking_uri: str | None = None,
) -> Trained:
    """Continue the run of a directory; `train` says what `command` and `tracking_uri` are.

    Raises:
        ToonlabError: if it is no run's directory, or the code or the data are no longer those that it began with.
    """
    name = re.fullmatch(r"(.+)-s\d+-[0-9a-f]{8}", directory.resolve().name)
    if name is None or not (directory / "recipe.yaml").is_file():
        raise ToonlabError(f"{directory}: not the directory of a run (runs/<experiment>/<recipe>-s<seed>-<hash>)")
    recipe = replace(load(directory / "recipe.yaml", catalogue), name=name[1])
    directory = directory.resolve()
    now = identity_of(recipe, catalogue)
    if digest(now)[:8] != directory.name[-8:]:
        changed = what_changed(directory, now)
        raise ToonlabError(
            f"{directory}: {changed} since it began; go on with what it began with, or train the recipe anew"
        )
    root, experiment = directory.parents[1], directory.parent.name
    return train(recipe, catalogue, root, experiment, distributed, command, tracking_uri=tracking_uri)
