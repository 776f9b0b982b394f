"""The kinds of part that a plugin can offer, and what each must be able to do.

A part is made by a factory: a frozen dataclass, an `nn.Module` class or a function. The factory's annotated signature
is its configuration schema; see `Tunable` for search ranges.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from toonlab.utils.text import with_article

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from toonlab.types import Logits, Sample, Step, Views


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of part: the name that errors use, and parameters that the engine fills in, not the recipe."""

    label: str
    about: str
    injected: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.label

    @property
    def one(self) -> str:
        """`a sampler`."""
        return with_article(self.label)


KINDS: Mapping[str, Kind] = {
    "samplers": Kind("sampler", "chooses the regions that a critic looks at"),
    "representations": Kind("representation", "changes what a critic sees there"),
    "discriminators": Kind("discriminator", "a network: view -> logits", frozenset({"in_channels"})),
    "generators": Kind("generator", "a network: photo -> cartoon, both (B, 3, H, W) in [-1, 1]"),
    "objectives": Kind("objective", "the adversarial losses of a critic and of the generator against it"),
    "discriminator_losses": Kind("discriminator loss", "a further scalar that a critic minimises"),
    "generator_losses": Kind("generator loss", "a scalar that the generator minimises", frozenset({"channels_at"})),
    "features": Kind("features", "a fixed feature extractor that losses share"),
    "datasets": Kind("dataset", "photos and cartoons to train on, samples to evaluate on"),
    "metrics": Kind("metric", "a number that says how good the fakes are"),
    "postprocessors": Kind("post-processor", "a last touch to finished fakes, outside of training"),
    "observers": Kind("observer", "receives the events of a run: trackers, progress bars, pruners"),
    "executors": Kind("executor", "runs the cells of a study: on this machine, or on many"),
}


@dataclass(frozen=True, slots=True)
class Tunable:
    """The default search range of a number: `Annotated[int, Field(gt=0), Tunable(16, 128, step=16)]`.

    `toonlab tune` needs no hand-written space for it. Both ends belong to the range. `log` searches on a logarithmic
    scale and excludes `step`.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"Tunable: low {self.low} is above high {self.high}")
        if self.log and (self.step is not None or self.low <= 0):
            raise ValueError("Tunable: log needs low > 0 and no step")


class ViewTransform(Protocol):
    """A sampler or a representation: `(Views) -> Views`. Use `dataclasses.replace`, which carries the context along."""

    def __call__(self, views: Views, /) -> Views: ...


class Explains(Protocol):
    """What a sampler may tell besides its choice, for the pictures of `toonlab inspect` and of a run's samples.

    Both methods are optional; the panel of one that is missing is left out.
    """

    def filtered(self, images: Tensor, /) -> Tensor:
        """The images as the sampler looks at them: `(B, 3, H, W)` in [-1, 1], like the input."""

    def saliency(self, images: Tensor, /) -> Tensor:
        """The map that boxes are scored on: `(B, 3, H, W)` in [-1, 1] -> `(B, H, W)`, any range, larger is better."""


class Objective(ABC):
    """The adversarial objective of one critic. Subclasses give the three terms, each logits -> scalar."""

    @abstractmethod
    def real(self, logits: Tensor) -> Tensor:
        """The critic's loss on real cartoons."""

    @abstractmethod
    def fake(self, logits: Tensor) -> Tensor:
        """The critic's loss on fakes."""

    @abstractmethod
    def generator(self, fake_logits: Tensor) -> Tensor:
        """The generator's loss against this critic."""

    def critic(self, logits: Logits) -> Tensor:
        """The critic's whole adversarial loss; override where real and fake do not simply add up."""
        return self.real(logits.real) + self.fake(logits.fake)


class CriticParts(Protocol):
    """What a discriminator loss may use of its critic.

    `logits(images)` is the network's answer to further images, in the run's precision, compiled where the run is; call
    `net` itself only where that must not be, as for a penalty that differentiates twice.
    """

    @property
    def name(self) -> str: ...
    @property
    def net(self) -> nn.Module: ...
    @property
    def objective(self) -> Objective: ...
    def logits(self, images: Tensor, /) -> Tensor: ...


class DiscriminatorLoss(Protocol):
    """`(critic, views, logits) -> scalar`; the fake view is detached from the generator."""

    def __call__(self, critic: CriticParts, views: Views, logits: Logits, /) -> Tensor: ...


@runtime_checkable
class Encoder(Protocol):
    """What a generator may offer besides its output: features on the way to it, for losses (`step.encode`)."""

    def encode(self, images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        """`(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)` for each layer; layer 0 is the images, and deeper ones follow.

        Raises:
            PartError: if there is no such layer.
        """


class GeneratorLoss(Protocol):
    """`(step) -> scalar`.

    A loss that learns is an `nn.Module`: the generator's optimizer trains it. Its factory may take `channels_at`, which
    the engine fills in: the generator's numbers of channels at its layers, `(0, 2) -> (3, 128)`.
    """

    def __call__(self, step: Step, /) -> Tensor: ...


class Images(Protocol):
    """A map-style set of images of one domain: item -> `(3, H, W)`, uint8, or float in [-1, 1]."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Tensor: ...


class Dataset(Protocol):
    """Photos and cartoons. The engine crops, flips and batches them: items have at least `train.size` on each side."""

    def train(self) -> tuple[Images, Images]:
        """The photos and the cartoons, unpaired."""

    def evaluation(self) -> Sequence[Sample]:
        """What to evaluate on, in a fixed order; items may be made when they are asked for."""

    def manifest(self) -> Mapping[str, Any]:
        """What identifies the data, as JSON values: it is part of a run's identity. Cheap: decodes no picture."""


@runtime_checkable
class Metric(Protocol):
    """A measurement over evaluation samples: made once for a run, and a copy of it used for every evaluation.

    `needs` names the fields of `Truth` that every sample must have (`frozenset({"outline"})`; empty for none). What it
    may have besides is `Compares`, `OnDevice`, `OfStream`, `Describes`, and two attributes of its class: `caveat`, a
    line that marks it in every table, and `leads = False`, if it ranks the unmodified photo so high that it may lead
    no table.
    """

    needs: frozenset[str]
    higher_is_better: bool

    def update(self, fake: Tensor, sample: Sample) -> None:
        """Take in one fake, `(3, H, W)` in [-1, 1], of the sample's photo."""

    def compute(self) -> Mapping[str, float]:
        """The results by name; the first is the one that leads."""


@runtime_checkable
class Compares(Protocol):
    """What a metric has besides that compares all fakes with a set of real cartoons."""

    def reference(self, cartoons: Images) -> None:
        """Take in the cartoons to compare with, once, before the first update."""


@runtime_checkable
class OnDevice(Protocol):
    """What a metric has besides that has a network: the device to run it on, which the engine sets first of all."""

    device: torch.device


@runtime_checkable
class OfStream(Protocol):
    """What a metric has besides that measures another stream of the recipe than the fake, one that is made of photos.

    `of` is its name, from a parameter annotated `toonlab.Stream`. Only a training has the networks that make it.
    """

    of: str


@runtime_checkable
class Describes(Protocol):
    """What a metric has besides that tells how it measured."""

    def describe(self) -> Mapping[str, Any]:
        """After `compute`, as JSON values: number and size of the pictures, resizer, hash of the weights."""


@runtime_checkable
class HasScores(Protocol):
    """What a metric has besides that measures each picture by itself."""

    def scores(self) -> Mapping[str, Sequence[float | None]]:
        """After `compute`: a result's name -> its value for each sample, in order; None where there is none."""


@runtime_checkable
class HasCartoons(Protocol):
    """What a data set has besides that keeps cartoons for evaluation; without it, those to train on serve."""

    def evaluation_cartoons(self) -> Images | None:
        """Real cartoons to compare sets of fakes with, of other scenes than the samples; None: there are none."""


@runtime_checkable
class HasCrops(Protocol):
    """What a data set has besides whose images may be too small for crops of `train.size`, to find out in advance."""

    def for_crops(self, size: int, /) -> Dataset:
        """The same data, to train on crops of `size` pixels; raises a `ToonlabError` that names small images."""


@runtime_checkable
class HasPairs(Protocol):
    """What a data set has besides that can show the scenes of its photos as cartoons, for `train.supervised`."""

    def pairs(self) -> tuple[Images, Images]:
        """The photos and the cartoons to train on: item i of both shows one scene, pixel by pixel, in one size."""


@runtime_checkable
class HasTest(Protocol):
    """What a data set has besides that keeps samples apart which are looked at once; without it, there are no such."""

    def test(self) -> Dataset:
        """The same data, with those to evaluate on: what a finished run is judged by, and nothing was decided by."""


@runtime_checkable
class HasManifest(Protocol):
    """What a generator has besides that reads files."""

    def manifest(self) -> Mapping[str, Any]:
        """What identifies the files' contents, as JSON values: it is part of a run's identity."""


@runtime_checkable
class ReadyMade(HasManifest, Protocol):
    """What a generator has that computes nothing, since its fakes lie ready: pictures by another program, say."""

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise a `ToonlabError`, with a line for each fake that is missing, left over or no fake of its photo."""

    def fake(self, sample: Sample) -> Tensor:
        """The fake of a sample's photo: `(3, H, W)` in [-1, 1]."""


class NeedsFiles(Protocol):
    """What the factory of features or of a metric has besides whose parts need large files, such as weights."""

    def missing(self, **parameters: Any) -> Mapping[str, str]:
        """For the part's parameters, a static method: each file that is not here -> where it comes from, in a line.

        Nothing is downloaded. Without this method, the part is made, and its error tells.
        """


class Postprocessor(Protocol):
    """`(fake, photo) -> picture`: all `(H, W, 3)` uint8 RGB arrays of one size; the inputs are left as they are."""

    def __call__(self, fake: NDArray[np.uint8], photo: NDArray[np.uint8], /) -> NDArray[np.uint8]: ...


SamplerFactory = Callable[..., ViewTransform]
RepresentationFactory = Callable[..., ViewTransform]
DiscriminatorFactory = Callable[..., "nn.Module"]
GeneratorFactory = Callable[..., "nn.Module"]
ObjectiveFactory = Callable[..., Objective]
DiscriminatorLossFactory = Callable[..., DiscriminatorLoss]
GeneratorLossFactory = Callable[..., GeneratorLoss]
FeaturesFactory = Callable[..., "nn.Module"]
DatasetFactory = Callable[..., Dataset]
MetricFactory = Callable[..., Metric]
PostprocessorFactory = Callable[..., Postprocessor]
ObserverFactory = Callable[..., object]
