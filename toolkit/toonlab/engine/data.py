"""Batches as a function of the step: images, crops and flips follow from the seed and the step alone."""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

from toonlab.errors import Problem, RecipeError, ToonlabError, first_line
from toonlab.ops.levels import to_float
from toonlab.recipes.spec import Recipe, Train
from toonlab.registry.protocols import Dataset, HasPairs, Images
from toonlab.types import Batch
from toonlab.utils.rng import key_to_seed, rng
from toonlab.utils.signals import ignore_interrupt
from toonlab.utils.text import several

Item: TypeAlias = tuple[Tensor, Tensor, list[str]] | ToonlabError  # photos, cartoons, warnings of a data worker
_LONGEST = 72  # characters of the folder of a socket, whose whole path has at most 107
_FULL = "the shared memory of data workers is full (/dev/shm); enlarge it (docker run --shm-size), or train.workers=0"


def training_images(recipe: Recipe, dataset: Dataset) -> tuple[Images, Images]:
    """The photos and the cartoons to train on: pairs, if the recipe is supervised.

    Raises:
        ToonlabError: if the data have no pairs, or the number or the size of photos and cartoons differs.
    """
    paired = check_pairs(recipe, dataset)
    if paired is None:
        return dataset.train()
    photos, cartoons = paired.pairs()
    shapes = [f"{len(images)} of {images[0].shape[-1]}x{images[0].shape[-2]} pixels" for images in (photos, cartoons)]
    if shapes[0] != shapes[1]:
        raise ToonlabError(f"data: photos and cartoons are no pairs: {shapes[0]} and {shapes[1]}")
    return photos, cartoons


def check_pairs(recipe: Recipe, dataset: Dataset) -> HasPairs | None:
    """The data of a supervised recipe; None of another one.

    Raises:
        RecipeError: if they have no pairs.
    """
    if not recipe.supervised:
        return None
    if isinstance(dataset, HasPairs):
        return dataset
    text = f"{recipe.data.use} has no pairs of photos and cartoons; take data that have, such as toonworld"
    raise RecipeError(recipe.name, [Problem("train.supervised", text)])


@dataclass(frozen=True)
class Domain:
    """The images of one domain, `photo` or `cartoon`; every epoch is a permutation of its own.

    With `train.supervised` the cartoons have the order, the crops and the flips of the photos.
    """

    name: str
    images: Images
    train: Train
    rank: int = 0
    size: int = 1

    def __post_init__(self) -> None:
        if len(self.images) < self.train.batch:
            raise ToonlabError(
                f"data: {several(len(self.images), self.name)}, fewer than train.batch={self.train.batch}; "
                f"give more pictures or lower train.batch"
            )
        if self.train.batch % self.size:
            raise ToonlabError(
                f"train.batch: {several(self.train.batch, 'image')} can't be shared equally by {self.size} processes; "
                f"give a multiple of {self.size}"
            )

    @property
    def key(self) -> str:
        """What its draws are keyed by."""
        return "photo" if self.train.supervised else self.name

    @property
    def batches(self) -> int:
        """Complete batches in an epoch; the remaining images are dropped."""
        return len(self.images) // self.train.batch

    def batch(self, step: int) -> Tensor:
        """This process's share of a batch: `(B, 3, size, size)`, uint8 or float in [-1, 1], as the data give it."""
        epoch, place = divmod(step, self.batches)
        order = _permutation(len(self.images), key_to_seed(self.train.seed, "order", self.key, epoch))
        share = self.train.batch // self.size
        first = place * self.train.batch + self.rank * share
        return torch.stack([self.item(index, epoch) for index in order[first : first + share].tolist()])

    def named(self, index: int) -> str:
        """An image as messages call it: by its name, if the data set gives `names`."""
        names = getattr(self.images, "names", None)
        return str(names[index]) if names else f"number {index}"

    def item(self, index: int, epoch: int) -> Tensor:
        image, size = self.images[index], self.train.size
        height, width = image.shape[-2:]
        if min(height, width) < size:
            raise ToonlabError(
                f"data: {self.name} {self.named(index)} has {width}x{height} pixels, "
                f"less than train.size={size}; lower train.size, or make the pictures larger (data.resize of a folder)"
            )
        draw = rng(self.train.seed, "data", self.key, epoch, index)
        down, right = (int(torch.randint(extra + 1, (), generator=draw)) for extra in (height - size, width - size))
        if self.train.crop == "center":
            down, right = (height - size) // 2, (width - size) // 2
        image = image[:, down : down + size, right : right + size]
        mirrored = self.train.flip and bool(torch.rand((), generator=draw) < 0.5)
        return image.flip(-1) if mirrored else image


@lru_cache(maxsize=4)
def _permutation(length: int, seed: int) -> Tensor:
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed))


class Steps(TorchDataset[Item]):
    """Step number -> the photos and the cartoons of that step.

    A user's mistake found in a worker comes back as a value: raised there, it would arrive wrapped in a traceback. So
    do warnings, which the training process gives.
    """

    def __init__(self, photos: Images, cartoons: Images, train: Train, rank: int = 0, size: int = 1) -> None:
        self.photos = Domain("photo", photos, train, rank, size)
        self.cartoons = Domain("cartoon", cartoons, train, rank, size)

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch: until the larger domain has been seen."""
        return max(self.photos.batches, self.cartoons.batches)

    def __getitem__(self, step: int) -> Item:
        try:
            if get_worker_info() is None:
                return self.photos.batch(step), self.cartoons.batch(step), []
            with warnings.catch_warnings(record=True) as noted:
                pair = self.photos.batch(step), self.cartoons.batch(step)
            return _shared(pair[0]), _shared(pair[1]), [str(note.message) for note in noted]
        except ToonlabError as error:
            return error


def _shared(images: Tensor) -> Tensor:
    """A worker's images in shared memory, here rather than when they are sent, where a failure would go unseen."""
    try:
        images.share_memory_()  # type: ignore[no-untyped-call]
    except (RuntimeError, OSError) as error:
        raise ToonlabError(f"data: {_FULL} ({first_line(error)})") from error
    return images


def batches(steps: Steps, start: int, stop: int, workers: int | None, device: torch.device) -> Iterator[Batch]:
    """The batches of steps `start` to `stop`, on the device in the run's memory format, in [-1, 1].

    `workers` processes decode ahead; None: on a GPU as many as keep it fed, next to a training on a CPU none, since
    they would only take its cores.

    Raises:
        ToonlabError: if the data are wrong, if a worker was killed, if the shared memory is full, or if the path of
            temporary files is too long.
    """
    gpu = device.type == "cuda"
    form = torch.channels_last if steps.photos.train.channels_last else torch.preserve_format
    workers = (min(8, torch.get_num_threads()) if gpu else 0) if workers is None else workers
    if workers and len(folder := tempfile.gettempdir()) > _LONGEST:
        text = f"TMPDIR={folder}: too long for the sockets of data workers; give one of at most {_LONGEST} characters"
        raise ToonlabError(f"data: {text}, or train.workers=0")
    loader = DataLoader(
        steps,
        batch_size=None,  # an item is a whole batch
        sampler=range(start, stop),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=gpu,
        worker_init_fn=ignore_interrupt,
    )
    for item in _loaded(loader):
        if isinstance(item, ToonlabError):
            raise item
        *pair, notes = item
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=2)
        yield Batch(*(to_float(images.to(device, non_blocking=True, memory_format=form)) for images in pair))


def _loaded(loader: DataLoader[Item]) -> Iterator[Item]:
    """The items of a loader; the death of a worker is a user's error, raised where the next item is asked for."""
    workers = loader.num_workers
    try:
        _ = [multiprocessing.Semaphore() for _ in range(8 + 3 * workers if workers else 0)]  # as many as torch takes:
        loading = _started(loader)  # where one can't be made, its iterator is half made and ends with a traceback
    except OSError as error:  # semaphores need shared memory, too
        raise ToonlabError(f"data: {_FULL} ({error.strerror})") from error
    try:
        yield from loading
    except (RuntimeError, OSError, EOFError) as error:
        found = getattr(loading, "_workers", ())
        for worker in () if isinstance(error, RuntimeError) else found:
            worker.join(1)  # one that dies closes its connections a moment before it has ended
        codes = {worker.exitcode for worker in found} - {None, 0}
        if not codes and "DataLoader worker" not in str(error):
            raise
        killed = "a data worker was killed, most often for want of memory; lower train.workers, or train.workers=0"
        raise ToonlabError(f"data: {_FULL if -signal.SIGBUS in codes else killed}") from error


def _started(loader: DataLoader[Item]) -> Any:
    """The iterator of a loader, without torch's handler of SIGCHLD, which would raise in the middle of a step."""
    if threading.current_thread() is not threading.main_thread():  # torch installs none there
        return iter(loader)
    before = signal.getsignal(signal.SIGCHLD)
    try:
        return iter(loader)
    finally:
        of_torch = str(getattr(before, "__module__", "")).startswith("torch.")  # left by another loader
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if of_torch else before)
