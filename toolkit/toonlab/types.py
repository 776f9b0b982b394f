"""The data of one training step, and a run as its observers see it.

Images are `(B, 3, H, W)` float in [-1, 1], RGB, unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, overload

from toonlab.errors import PartError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

NO_ENCODER = "the generator has no features to give, but a loss asks for them; choose one with encode(images, layers)"
STREAMS = ("photo", "cartoon", "fake")  # that every step has


@dataclass(frozen=True)
class _NamesStream:
    """Marks a parameter that names a stream: `recipes.resolve` checks that the recipe has it."""


STREAM_MARK = _NamesStream()
Stream = Annotated[str, STREAM_MARK]


@dataclass(frozen=True)
class OfKind:
    """Marks a parameter that is itself a part of this kind, made before the part that takes it."""

    kind: str


# a parameter of a part: `sampler: SamplerPart | None = None` is given as `sampler: {use: ctss, k: 2}` in a recipe
SamplerPart = Annotated[Callable[["Views"], "Views"], OfKind("samplers")]

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """Images of the two domains: photos and cartoons, both `(B, 3, H, W)` in [-1, 1]; pairs if supervised."""

    photo: Tensor
    cartoon: Tensor


def _unkeyed_rng() -> torch.Generator:
    import torch

    return torch.Generator()


@dataclass(frozen=True, slots=True)
class Context:
    """The inputs of a view transform besides the images.

    `photo` is the generator's input, `(B, 3, H, W)` in [-1, 1], in the order of the fakes. `real_photo` are the photos
    of the cartoons' scenes, in the order of the cartoons, where `train.supervised` gives pairs; else None. `critic` is
    the discriminator before this step's update, `step` the number of the step, from 0 over all stages. In
    `toonlab inspect` and in the probe before a run the critic is a stand-in and the step 0, and `inspect` shows one
    picture as photo, cartoon and fake at once. A transform that is called by hand may have no context.

    `rng` is a CPU generator that is fresh for every critic and step: draw from it and from nothing else, then
    move the drawn numbers to the images' device. That keeps paired runs paired and needs no device synchronisation.

    `score_patches` uses the last three fields: the critic's representation, its forward pass in the run's precision
    (the bare `critic` if there is none), and a generator, fresh for each call, so that scoring leaves the draws of the
    critic's own view unchanged.
    """

    photo: Tensor
    critic: nn.Module
    rng: torch.Generator
    step: int
    representation: Callable[[Views], Views] | None = None
    logits: Callable[[Tensor], Tensor] | None = None
    scoring_rng: Callable[[], torch.Generator] = _unkeyed_rng
    real_photo: Tensor | None = None

    def score_patches(self, views: Views) -> Logits:
        """The critic's logits, before this step's update, of real and fake patches: for samplers.

        The patches pass through the critic's representation. No state changes: there are no gradients, and networks
        are in eval mode, so that spectral norm's vectors and batch norm's statistics stay unchanged. While a recipe is
        probed the critic is a stand-in, whose logits are the mean over channels.

        Args:
            views: the patches as the sampler would return them, with their boxes: `replace(views, real=…, fake=…)`.

        Returns:
            The logits of either side, in float32 under bf16 too; the batch first, the other axes are the network's.
        """
        import torch

        context = replace(self, rng=self.scoring_rng(), representation=None)
        with torch.no_grad(), evaluating(self.critic, self.representation):
            seen = replace(views, context=context)
            seen = self.representation(seen) if self.representation else seen
            logits = self.logits or self.critic
            return Logits(logits(seen.real), logits(seen.fake))


@contextmanager
def evaluating(*parts: object) -> Iterator[None]:
    """Set the parts that are modules to eval mode within the block; parts of any other type are ignored."""
    from torch import nn

    modules = [module for part in parts if isinstance(part, nn.Module) for module in part.modules()]
    training = [module for module in modules if module.training]  # one by one: a submodule may always be in eval mode
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


@dataclass(frozen=True, slots=True)
class Views:
    """What a critic sees: real cartoons and fakes, after its sampler and its representation.

    `real` and `fake` are `(N, C, H, W)` in `value_range`; the two may differ in N. A sampler that cuts regions gives
    their boxes, `(N, 5)` int64: image, top, left, height, width, in pixels of the image, and may give scores `(N,)`.
    Boxes may differ in size: a view whose height and width are not its box's is that region, resized.
    """

    real: Tensor
    fake: Tensor
    real_boxes: Tensor | None = None
    fake_boxes: Tensor | None = None
    real_scores: Tensor | None = None
    fake_scores: Tensor | None = None
    value_range: tuple[float, float] = (-1.0, 1.0)
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Logits:
    """A critic's raw answers (no sigmoid) to the real and the fake view; any shape with the batch first."""

    real: Tensor
    fake: Tensor


class Features:
    """The recipe's feature extractor, run at most once per tensor and step: `step.features(step.fake)`.

    Features of a tensor that needs no gradient (photo, cartoon) are computed without a graph. The extractor returns one
    tensor, or a tuple with a tensor for each of several layers; a loss that serves both uses `mean_over_layers`.
    """

    def __init__(self, extractor: Callable[[Tensor], Tensor | tuple[Tensor, ...]]) -> None:
        self._extractor = extractor
        self._seen: dict[int, tuple[Tensor, tuple[Tensor, ...]]] = {}  # the image is kept so that its id stays its own

    def __call__(self, images: Tensor) -> Tensor:
        """`(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)`, as the extractor defines it.

        Raises:
            PartError: if the extractor has several layers.
        """
        first, *more = self.layers(images)
        if more:
            text = f"features: {1 + len(more)} layers, but a loss takes only one; choose one, or use features.layers"
            raise PartError(text)
        return first

    def layers(self, images: Tensor) -> tuple[Tensor, ...]:
        """`(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)` for each of the extractor's layers."""
        import torch

        if id(images) not in self._seen:
            with torch.set_grad_enabled(torch.is_grad_enabled() and images.requires_grad):
                found = self._extractor(images)
            self._seen[id(images)] = (images, found if isinstance(found, tuple) else (found,))
        return self._seen[id(images)][1]

    def mean_over_layers(self, distance: Callable[[Tensor, Tensor], Tensor], one: Tensor, other: Tensor) -> Tensor:
        """The mean over layers of a distance, `(features, features) -> scalar`, between two batches of images.

        The mean, not the sum, so that a loss's weight stays suitable for any number of layers; one layer gives
        its distance itself.
        """
        import torch

        distances = list(map(distance, self.layers(one), self.layers(other)))
        return distances[0] if len(distances) == 1 else torch.stack(distances).mean()


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that a generator loss may use: `(step) -> scalar`.

    `views` and `fake_logits` have an entry for each critic that is active in this stage; `rng` is a CPU generator
    that is fresh for every loss and step. `streams` are the images that the recipe's further networks make. `number`
    is that of the step, from 0 over all stages.
    """

    batch: Batch
    fake: Tensor
    views: Mapping[str, Views]
    fake_logits: Mapping[str, Tensor]
    features: Features
    rng: torch.Generator
    streams: Mapping[str, Tensor] = field(default_factory=dict)
    number: int = 0
    encoder: Callable[[Tensor, Sequence[int]], tuple[Tensor, ...]] | None = None

    def encode(self, images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        """The generator's features of images, `(B, 3, H, W)` in [-1, 1], in the run's precision, as float32.

        Returns:
            `(B, C, h, w)` for each layer, by `toonlab.Encoder`; layer 0 is the images.

        Raises:
            PartError: if the generator offers no features.
        """
        if self.encoder is None:
            raise PartError(NO_ENCODER)
        return self.encoder(images, layers)

    def images(self, stream: Stream) -> Tensor:
        """The images of a stream, `(B, 3, H, W)` in [-1, 1]: `photo`, `cartoon`, `fake`, or one of the recipe's."""
        own = {"photo": self.batch.photo, "cartoon": self.batch.cartoon, "fake": self.fake}
        return own[stream] if stream in own else self.streams[stream]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known about the cartoon that a photo should become; None where a data set doesn't know it.

    `cartoon` and `flat` (the colours without lines) are `(3, H, W)` in [-1, 1]; `outline` is `(H, W)` bool;
    `regions` is `(H, W)` int64, one number for each region of one colour.
    """

    cartoon: Tensor | None = None
    outline: Tensor | None = None
    regions: Tensor | None = None
    flat: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo to evaluate on, `(3, H, W)` in [-1, 1], with the truth where there is one.

    `name` can be that of a file, or a path with forward slashes: other programs are given the photos under it. Where
    the photo is unknown, `has_photo` is false and `photo` is the picture that is measured, in its place.
    """

    name: str
    photo: Tensor
    truth: Truth | None = None
    has_photo: bool = True


class OnAccess(Sequence[T]):
    """Items of a data set, read from their sources (files, indices) on every access: `OnAccess(paths, read_picture)`.

    `sources` and `read` are pickled with it, for worker processes.
    """

    def __init__(self, sources: Sequence[S], read: Callable[[S], T]) -> None:
        self.sources, self.read = sources, read

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int, /) -> T: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[T]: ...
    def __getitem__(self, index: int | slice, /) -> T | list[T]:
        if isinstance(index, slice):
            return [self.read(source) for source in self.sources[index]]
        return self.read(self.sources[index])


@dataclass(frozen=True)
class Run:
    """One recipe's training (or a finished one), as observers and reports see it.

    `directory` is `<root>/<experiment>/<recipe>-s<seed>-<hash8>`; `recipe` is fully resolved; `steps` is the total
    that is planned; `environment` says what it runs on.
    """

    root: Path
    experiment: str
    recipe_name: str
    seed: int
    identity: str
    recipe: Mapping[str, Any]
    steps: int
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a person calls the run: `ctss-s0-1a2b3c4d`."""
        return f"{self.recipe_name}-s{self.seed}-{self.identity[:8]}"

    @property
    def directory(self) -> Path:
        return self.root / self.experiment / self.name


Scores = Mapping[str, Sequence[float | None]]  # metric -> its value for each sample; None where there is none


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `finished`, `failed` or `stopped`, why, the last evaluation's metrics, and the photos' own.

    `measured` says how each metric measured: number and size of the pictures, resizer, hash of the weights. `costs`
    are the items of `profiling.COSTS` that could be measured. `split` is that of the samples that `metrics` and `photo`
    were measured on: `test` in comparisons and confirmations, or `validation`. `scores` and `photo_scores` have a value
    for each sample, where metrics measure them one by one.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # where it is read back

    status: Literal["finished", "failed", "stopped"]
    step: int
    seconds: float
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    photo: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    split: Literal["validation", "test"] = "validation"
    scores: Scores = field(default_factory=dict)
    photo_scores: Scores = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
