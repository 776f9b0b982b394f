"""Train one recipe in the directory that its identity names: from its start, or from its last checkpoint."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from filelock import FileLock, Timeout
from torch import nn

from toonlab.errors import BusyError, ToonlabError
from toonlab.ops.precision import training_products
from toonlab.recipes.load import load
from toonlab.recipes.spec import Part, Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.observers import Observers
from toonlab.registry.protocols import Dataset, HasCrops, HasManifest, ReadyMade
from toonlab.runs.directory import (
    digest,
    environment,
    make_directory,
    prepare,
    read_outcome,
    run_identity,
    sweep,
    what_changed,
    writing,
)
from toonlab.runs.sync import make_observers
from toonlab.types import Outcome, Run, Sample
from toonlab.utils.distributed import DistributedContext, has_bf16, launch

from .builder import build, build_fixed
from .checkpoint import find_weights
from .data import Steps, check_pairs, training_images
from .evaluator import Evaluator, evaluation_cartoons, test_split
from .record import RunRecord
from .stages import plan
from .trainer import Trainer


@dataclass(frozen=True)
class Trained:
    """A run and its outcome; `reused` if it had finished before, so that nothing was trained."""

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
    split: Literal["validation", "test"] = "validation",
) -> Trained:
    """Train a recipe to its end, or return the outcome of a finished run of the same identity.

    A run of the same identity that was killed or stopped is resumed from its last checkpoint, and ends with the same
    bits (on a CPU, with as many threads). A recipe without stages trains nothing: its generator is only evaluated.

    Args:
        recipe: what to train.
        root: the folder of all runs.
        experiment: the folder within; the recipe's name if not given.
        distributed: the processes that train together, or one device: `auto` (a GPU if there is one), `cpu`, `cuda:1`.
        command: the command to record in the environment file; that of this process if not given.
        listeners: observers by name, besides the recipe's own.
        identity: the run's identity, if it is established already: the code of a study is the code that it began with,
            even if files are edited meanwhile.
        study: the study that the run is part of, for trackers that group runs.
        tracking_uri: where the recipe's observers record the run, in place of their own `tracking_uri`.
        split: of the samples that the final weights are measured on. Comparisons and confirmations take `test`, which
            nobody else looks at, since settings that are chosen by its scores fit it better than new pictures. Data
            without a test split are measured on their evaluation samples.

    Raises:
        RecipeError: if something does not fit, before anything is written.
        BusyError: if another process trains in the run's directory.
        DivergedError: if a loss is no longer a finite number; the outcome says so, too.
        Interrupted: after SIGINT or SIGTERM, when everything is saved.
    """
    distributed = launch(distributed) if isinstance(distributed, str) else distributed
    identity = identity or identity_of(recipe, catalogue)
    run = run_of(recipe, identity, root, experiment or recipe.name)
    outcome = distributed.on_first(lambda: read_outcome(run.directory))
    if outcome and outcome.status == "finished" and split in (outcome.split, "validation"):
        return Trained(run, outcome, reused=True)
    begin, steps = (_training if recipe.stages else _evaluation)(recipe, catalogue, distributed, split)
    run = replace(run, steps=steps, environment=environment(distributed, identity, command, study))
    with _alone(run, distributed), training_products(recipe.train.precision, distributed.device):
        distributed.on_first(lambda: (run.directory / "outcome.json").unlink(missing_ok=True))
        made = make_observers(recipe.tree["observers"], catalogue, tracking_uri) if distributed.rank == 0 else {}
        observers = Observers({**made, **(listeners or {})})
        return Trained(run, begin(RunRecord(run=run, observers=observers, distributed=distributed, split=split)))


def run_of(recipe: Recipe, identity: Mapping[str, Any], root: Path, experiment: str) -> Run:
    """The run that a recipe's identity names; its steps are not planned yet."""
    return Run(root, experiment, recipe.name, recipe.train.seed, digest(identity), recipe.tree, 0)


def _evaluator(
    recipe: Recipe,
    catalogue: Catalogue,
    dataset: Dataset,
    device: torch.device | None = None,
    streams: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> Evaluator:
    evaluate = recipe.evaluate
    cartoons = partial(evaluation_cartoons, dataset, evaluate.cartoons)
    return Evaluator(dataset.evaluation(), evaluate.metrics, catalogue, evaluate.samples, cartoons, device, streams)


def test_evaluator(recipe: Recipe, catalogue: Catalogue, count: int, metrics: Sequence[Part] = ()) -> Evaluator:
    """An evaluator of the first `count` samples that a comparison's results are reported on."""
    evaluate = replace(recipe.evaluate, metrics=tuple(metrics), samples=count)
    return _evaluator(replace(recipe, evaluate=evaluate), catalogue, test_split(recipe.data.make(catalogue)))


def identity_of(recipe: Recipe, catalogue: Catalogue) -> dict[str, Any]:
    """The identity of a recipe's run, from the files as they are now; see `runs.directory.run_identity`."""
    dataset: Dataset = recipe.data.make(catalogue)
    check_pairs(recipe, dataset)
    manifests = {"data": dataset.manifest()}
    generator = None if recipe.stages else build_fixed(recipe, catalogue)
    if isinstance(generator, HasManifest):
        manifests["pictures" if isinstance(generator, ReadyMade) else "generator"] = generator.manifest()
    if recipe.generator.weights:
        with find_weights(recipe.generator.weights.expanduser()).open("rb") as file:
            manifests["file of weights"] = {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    return run_identity(recipe, catalogue, manifests)


def measurable(recipe: Recipe, catalogue: Catalogue, samples: Callable[[], Sequence[Sample]]) -> nn.Module:
    """The generator of a recipe that trains nothing; ready-made fakes are compared with the samples' photos.

    Raises:
        ToonlabError: if it would have to learn, or if a fake is missing or can't be one of its photo.
    """
    generator = build_fixed(recipe, catalogue)
    if isinstance(generator, ReadyMade):
        generator.check(samples())
    return generator


Planned = tuple[Callable[[RunRecord], Outcome], int]  # what a run does, and its number of steps


def _training(recipe: Recipe, catalogue: Catalogue, distributed: DistributedContext, split: str) -> Planned:
    _warn_of_speed(recipe.train.precision, distributed.device)
    dataset: Dataset = recipe.data.make(catalogue)
    if isinstance(dataset, HasCrops):
        dataset = dataset.for_crops(recipe.train.size)
    distributed.on_first(lambda: len(training_images(recipe, dataset)[0]))  # prepared once, on the first process
    steps = Steps(*training_images(recipe, dataset), recipe.train, distributed.rank, distributed.size)
    gan = build(recipe, catalogue, distributed)
    tests = test_split(dataset) if split == "test" else dataset
    made = partial(_evaluator, catalogue=catalogue, device=distributed.device, streams=recipe.streams)
    evaluator, final = made(recipe, dataset=dataset), made(recipe, dataset=tests) if tests is not dataset else None
    lead = replace(recipe, evaluate=replace(recipe.evaluate, metrics=recipe.evaluate.metrics[:1]))
    audit = made(lead, dataset=tests) if final and recipe.evaluate.audit else None
    trainer = partial(Trainer, recipe, gan, steps, evaluator=evaluator, test_evaluator=final, audit_evaluator=audit)
    return lambda record: trainer(record=record).run(), plan(recipe, steps.per_epoch)[-1][2]


def _warn_of_speed(precision: str, device: torch.device) -> None:
    """Say it where another precision is several times faster."""
    fast, text = has_bf16(device), None
    if precision == "bf16" and not fast:
        text = "this processor has no bf16 instructions and emulates them, tens of times slower than fp32"
    elif precision == "fp32" and fast and device.type == "cuda":
        text = "bf16 is several times faster on this GPU: train.precision=bf16, or all that helps there: --at gpu"
    if text:
        warnings.warn(f"train.precision={precision}: {text}", RuntimeWarning, stacklevel=4)


def _evaluation(recipe: Recipe, catalogue: Catalogue, distributed: DistributedContext, split: str) -> Planned:
    """The run of a recipe that trains nothing: one evaluation of its generator."""
    dataset: Dataset = recipe.data.make(catalogue)
    dataset = test_split(dataset) if split == "test" else dataset
    evaluator = _evaluator(recipe, catalogue, dataset, distributed.device)
    generator = measurable(recipe, catalogue, lambda: evaluator.samples).to(distributed.device)

    def evaluate(record: RunRecord) -> None:
        evaluation = evaluator.evaluate(generator, distributed.device, keep=recipe.evaluate.grid)
        record.add_evaluation(evaluator, evaluation)
        record.add_results(recipe, evaluator, generator, evaluation)

    def run(record: RunRecord) -> Outcome:
        with record.recording():
            distributed.on_first(lambda: evaluate(record))
        return record.complete()

    return run, 0


@contextmanager
def _alone(run: Run, distributed: DistributedContext) -> Iterator[None]:
    """Make the run's directory, and keep other processes from training in it within the block."""
    lock = FileLock(run.directory / ".lock")

    def claim() -> None:
        make_directory(run.directory)
        try:
            with writing(run.directory):
                lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(f"{run.directory}: another process trains there; wait for it, or stop it") from error
        prepare(run)  # only now: the files are those of the process that trains
        sweep(run.directory.rglob(".*"))

    try:
        distributed.on_first(claim)
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
    """Resume the run of a directory; `command` and `tracking_uri` as for `train`.

    Raises:
        ToonlabError: if it is no run's directory, or if the code or the data have changed since it began.
    """
    name = re.fullmatch(r"(.+)-s\d+-[0-9a-f]{8}", directory.resolve().name)
    if name is None or not (directory / "recipe.yaml").is_file():
        raise ToonlabError(f"{directory}: not the directory of a run (runs/<experiment>/<recipe>-s<seed>-<hash>)")
    recipe = replace(load(directory / "recipe.yaml", catalogue), name=name[1])
    directory = directory.resolve()
    identity = identity_of(recipe, catalogue)
    if digest(identity)[:8] != directory.name[-8:]:
        raise ToonlabError(
            f"{directory}: {what_changed(directory, identity)} since it began; restore what it began with, or train "
            "the recipe again"
        )
    root, experiment = directory.parents[1], directory.parent.name
    return train(
        recipe, catalogue, root, experiment, distributed, command, identity=identity, tracking_uri=tracking_uri
    )
