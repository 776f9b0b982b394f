"""Batches are a function of the step."""

import os
import signal
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor

from toonlab.engine import data
from toonlab.engine.data import Domain, Steps, batches, training_images
from toonlab.errors import ToonlabError
from toonlab.recipes.load import load
from toonlab.recipes.spec import Train
from toonlab.registry.catalogue import discover
from toonlab.registry.protocols import Dataset


class Numbered:
    """Images that carry their number in every pixel, and their column in the second channel."""

    def __init__(self, count: int, height: int = 8, width: int = 10) -> None:
        self.count, self.height, self.width = count, height, width

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        image = torch.full((3, self.height, self.width), index, dtype=torch.uint8)
        image[1] = torch.arange(self.width, dtype=torch.uint8)
        return image


def numbers(batch: Tensor) -> Sequence[int]:
    return [int(n) for n in batch[:, 0, 0, 0]]


def settings(**given: object) -> Train:
    return Train(**{"size": 8, "batch": 3, "steps": 1, **given})


def test_an_epoch_is_a_permutation_without_the_incomplete_batch() -> None:
    domain = Domain("photo", Numbered(11), settings())
    epochs = [[n for step in range(e * 3, e * 3 + 3) for n in numbers(domain.batch(step))] for e in range(3)]
    assert all(len(set(epoch)) == 9 for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_domains_are_shuffled_apart_and_the_longer_one_sets_the_epoch() -> None:
    steps = Steps(Numbered(11), Numbered(7), settings())
    assert steps.per_epoch == 3
    photo, cartoon = (domain.batch(0) for domain in (steps.photos, steps.cartoons))
    assert numbers(photo) != numbers(cartoon)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    one, other = (Domain("photo", Numbered(11), settings(flip=True)) for _ in range(2))
    for step in (5, 0, 2):
        other.batch(step)
    assert torch.equal(one.batch(7), other.batch(7))
    assert not torch.equal(one.batch(7), Domain("photo", Numbered(11), settings(flip=True, seed=1)).batch(7))


def test_crops_vary_stay_inside_and_flips_mirror() -> None:
    domain = Domain("photo", Numbered(60, 20, 30), settings(flip=True))
    columns = [tuple(domain.item(i, 0)[1, 0].tolist()) for i in range(60)]
    starts = {min(c) for c in columns}
    assert len(starts) > 10
    assert max(max(c) for c in columns) <= 29
    mirrored = sum(c[0] > c[-1] for c in columns)
    assert 15 < mirrored < 45
    assert all(max(c) - min(c) == 7 for c in columns)


def test_center_crop() -> None:
    item = Domain("photo", Numbered(3, 8, 12), settings(crop="center")).item(0, 0)
    assert item[1, 0].tolist() == list(range(2, 10))


@pytest.mark.parametrize("supervised", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing_and_resume_needs_the_step_alone(workers: int, supervised: bool) -> None:
    steps = Steps(Numbered(11, 20, 30), Numbered(11, 20, 30), settings(flip=True, supervised=supervised))
    unpaired = Steps(Numbered(11, 20, 30), Numbered(7), settings(flip=True))
    cpu = torch.device("cpu")
    whole = list(batches(steps, 0, 6, 0, cpu))
    for batch, again in zip(whole[2:], batches(steps, 2, 6, workers, cpu), strict=True):
        assert torch.equal(batch.photo, again.photo)
        assert torch.equal(batch.cartoon, again.cartoon)
        assert torch.equal(batch.photo, batch.cartoon) is supervised
    for batch, other in zip(whole, batches(unpaired, 0, 6, 0, cpu), strict=True):
        assert torch.equal(batch.photo, other.photo)


def test_the_shares_of_processes_are_those_of_pairs() -> None:
    for rank in (0, 1):
        steps = Steps(Numbered(8), Numbered(8), settings(batch=4, supervised=True), rank, 2)
        assert numbers(steps.photos.batch(1)) == numbers(steps.cartoons.batch(1))


@dataclass
class Pairs:
    """Data with pairs of which one domain may lack something."""

    cartoons: Numbered

    def train(self) -> tuple[Numbered, Numbered]:
        return Numbered(3), Numbered(5)

    def pairs(self) -> tuple[Numbered, Numbered]:
        return Numbered(3), self.cartoons


@pytest.mark.parametrize(
    ("cartoons", "says"),
    [
        (Numbered(4), "3 of 10x8 pixels and 4 of 10x8 pixels"),
        (Numbered(3, 8, 8), "3 of 10x8 pixels and 3 of 8x8 pixels"),
    ],
)
def test_pairs_are_those_of_the_data_and_fit(cartoons: Numbered, says: str, small: Path) -> None:
    recipe = load(small, discover(), ["train.supervised=true"])
    with pytest.raises(ToonlabError, match=rf"^data: photos and cartoons are no pairs: {says}$"):
        training_images(recipe, cast(Dataset, Pairs(cartoons)))
    own = Numbered(3)
    assert training_images(recipe, cast(Dataset, Pairs(own)))[1] is own
    unpaired = replace(recipe, train=replace(recipe.train, supervised=False))
    assert len(training_images(unpaired, cast(Dataset, Pairs(own)))[1]) == 5


def test_too_few_or_too_small_images_say_so() -> None:
    with pytest.raises(ToonlabError, match=r"2 photos, fewer than train\.batch=3"):
        Domain("photo", Numbered(2), settings())
    for workers in (0, 1):
        with pytest.raises(ToonlabError, match=r"^data: photo number \d+ has 10x8 pixels, less than train\.size=9"):
            next(batches(Steps(Numbered(3), Numbered(3), settings(size=9)), 0, 1, workers, torch.device("cpu")))


class Suspect(Numbered):
    """Images of which one warns."""

    def __getitem__(self, index: int) -> Tensor:
        if index == 2:
            warnings.warn("number 2 is damaged", UserWarning, stacklevel=2)
        return super().__getitem__(index)


@pytest.mark.parametrize("workers", [0, 2])
def test_warnings_of_workers_reach_the_training_process(workers: int) -> None:
    steps = Steps(Suspect(3), Numbered(3), settings())
    with pytest.warns(UserWarning, match="number 2 is damaged"):
        list(batches(steps, 0, 2, workers, torch.device("cpu")))


class Deadly(Numbered):
    """Images of which one ends its process."""

    number = signal.SIGKILL

    def __getitem__(self, index: int) -> Tensor:
        if index == 2:
            os.kill(os.getpid(), self.number)
        return super().__getitem__(index)


def step(_: object) -> None:
    """A step of a training, which the death of a worker does not interrupt."""
    time.sleep(0.3)


class Shared(Deadly):
    number = signal.SIGBUS


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (Deadly, r"^data: a data worker was killed, .*; lower train\.workers, or train\.workers=0$"),
        (Shared, r"^data: the shared memory of data workers is full \(/dev/shm\); enlarge it .*, or train\.workers=0$"),
    ],
)
def test_a_killed_worker_is_a_line_where_the_next_batch_is_asked_for(images: type[Deadly], says: str) -> None:
    ready = batches(Steps(images(9), Numbered(9), settings()), 0, 30, 1, torch.device("cpu"))
    before = signal.getsignal(signal.SIGCHLD)
    with pytest.raises(ToonlabError, match=says):
        list(map(step, ready))
    assert signal.getsignal(signal.SIGCHLD) == before


def test_a_long_folder_of_temporary_files_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sockets of data workers lie there, and torch would wait for them for minutes."""
    steps = Steps(Numbered(3), Numbered(3), settings())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("t" * 120)))
    with pytest.raises(
        ToonlabError, match=r"^data: TMPDIR=.*ttt: too long .* at most 72 characters, or train\.workers=0$"
    ):
        next(batches(steps, 0, 1, 1, torch.device("cpu")))
    assert len(list(batches(steps, 0, 1, 0, torch.device("cpu")))) == 1


def test_full_shared_memory_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)")

    monkeypatch.setattr(Tensor, "share_memory_", full)
    with pytest.raises(ToonlabError, match=r"^data: the shared memory .*train\.workers=0 \(unable to allocate"):
        next(batches(Steps(Numbered(3), Numbered(3), settings()), 0, 1, 1, torch.device("cpu")))

    def no_semaphores(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(data, "_started", no_semaphores)
    with pytest.raises(ToonlabError, match=r"^data: the shared memory .*train\.workers=0 \(No space left on device\)$"):
        next(batches(Steps(Numbered(3), Numbered(3), settings()), 0, 1, 1, torch.device("cpu")))
