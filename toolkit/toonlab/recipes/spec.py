"""A recipe as typed, frozen data: what `resolve` makes of a tree, and what the engine builds from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from toonlab.registry.catalogue import Catalogue

Tree = dict[str, Any]
Positive = Annotated[int, Field(gt=0)]


@dataclass(frozen=True)
class Part:
    """A part as a recipe names it, with all its parameters."""

    kind: str
    use: str
    parameters: Mapping[str, Any]
    weight: float = 1.0

    def make(self, catalogue: Catalogue, **injected: Any) -> Any:
        """Build the part; `injected` is what the engine fills in, such as `in_channels`."""
        return catalogue.get(self.kind, self.use).factory(**self.parameters, **injected)


@dataclass(frozen=True)
class TorchPart:
    """A torch optimizer or learning-rate scheduler by its class's name, with the arguments that were given."""

    use: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class GeneratorSpec:
    """The section `generator`.

    Args:
        network: a generator.
        optimizer: a class of `torch.optim` and its arguments.
        losses: what the generator minimises besides the critics' objectives, by name.
        schedule: a class of `torch.optim.lr_scheduler` and its arguments; it counts steps.
    """

    network: Part
    optimizer: TorchPart
    losses: Mapping[str, Part] = field(default_factory=dict)
    schedule: TorchPart | None = None


@dataclass(frozen=True)
class Weight:
    """What the adversarial loss counts on either side: `weight: {critic: 300, generator: 300}`, or one number for both.

    Args:
        critic: factor on all that the critic minimises, its further losses too.
        generator: factor on what the generator minimises against this critic.
    """

    critic: Annotated[float, Field(ge=0)] = 1.0
    generator: Annotated[float, Field(ge=0)] = 1.0


@dataclass(frozen=True)
class CriticSpec:
    """A critic, one of those in the section `critics`.

    Args:
        sampler: which regions of an image it looks at; `whole` if left out.
        discriminator: its network.
        objective: the adversarial losses of both sides.
        optimizer: a class of `torch.optim` and its arguments.
        representation: what it sees of the regions; None: the pixels as they are.
        losses: what it minimises besides, by name.
        weight: what its losses count on either side.
        schedule: a class of `torch.optim.lr_scheduler` and its arguments; it counts steps.
    """

    sampler: Part
    discriminator: Part
    objective: Part
    optimizer: TorchPart
    representation: Part | None = None
    losses: Mapping[str, Part] = field(default_factory=dict)
    weight: Weight = field(default_factory=Weight)
    schedule: TorchPart | None = None


@dataclass(frozen=True)
class Length:
    """How long a stage is: one of the three.

    Args:
        steps: in steps; scaled to `train.steps` where that is given.
        epochs: in passes over the larger of the two sets, photos and cartoons; scaled likewise.
        share: in parts of `train.steps`; the shares of all stages are 1 together.
    """

    steps: Positive | None = None
    epochs: Annotated[float, Field(gt=0)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None


@dataclass(frozen=True)
class StageSpec:
    """A stretch of the training, one of those in the section `stages`.

    Args:
        name: what it is called in the logs.
        length: `steps`, `epochs` or `share`.
        critics: those that are active; None: all of the recipe.
        losses: those of the generator; None: all of the recipe. One that the recipe has starts from there.
        generator_optimizer: what is different in the generator's optimizer.
        schedule: of all learning rates in this stage, in place of those that generator and critics have.
        keep_optimizers: go on with the optimizers of the stage before; else they start fresh.
    """

    name: str
    length: Length
    critics: tuple[str, ...] | None = None
    losses: Mapping[str, Part] | None = None
    generator_optimizer: TorchPart | None = None
    schedule: TorchPart | None = None
    keep_optimizers: bool = False


@dataclass(frozen=True)
class Train:
    """The section `train`.

    Args:
        steps: total number of steps; where stages have steps or epochs of their own, they are scaled to it.
        size: side of the training crops, in pixels.
        batch: images per step and domain, over all processes.
        seed: of initial weights, of the order of images and of whatever else is drawn.
        crop: where a crop is cut from a larger image.
        flip: mirror half of the images.
        precision: `fp32`, `tf32` (fp32 with TF32 matrix products on GPUs that have them) or `bf16` (autocast).
        order: which side is updated first in a step.
        generator_every: critic updates per generator update.
        ema: decay of the exponential moving average of the generator that is evaluated and saved; None: off.
        channels_last: memory format of images and networks.
        compile: run the networks through `torch.compile`, where it works: slow to begin, then faster steps.
        workers: processes that load images; None: by the device.
        log_every: steps from one logged step to the next.
        evaluate_every: steps from one evaluation to the next.
        checkpoint_every: steps from one checkpoint to the next.
        keep_checkpoints: how many of the newest stay.
        select: which weights count: `last`, or the best by the name of one of the recipe's metrics, at an evaluation.
    """

    steps: Positive | None = None
    size: Positive = 256
    batch: Positive = 8
    seed: Annotated[int, Field(ge=0)] = 0
    crop: Literal["random", "center"] = "random"
    flip: bool = False
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    order: Literal["critics_first", "generator_first"] = "critics_first"
    generator_every: Positive = 1
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    channels_last: bool = False
    compile: bool = False
    workers: Annotated[int, Field(ge=0)] | None = None
    log_every: Positive = 50
    evaluate_every: Positive = 1000
    checkpoint_every: Positive = 1000
    keep_checkpoints: Positive = 3
    select: str = "last"


CADENCE = frozenset({"workers", "log_every", "checkpoint_every", "keep_checkpoints"})  # don't change what is learnt


@dataclass(frozen=True)
class Evaluate:
    """The section `evaluate`.

    Args:
        metrics: what is measured; the first leads.
        samples: photos that are measured.
        cartoons: real cartoons at most that sets of fakes are compared with.
        grid: the first photos, which are shown.
    """

    metrics: tuple[Part, ...] = ()
    samples: Positive = 64
    cartoons: Positive = 256
    grid: Positive = 6


@dataclass(frozen=True)
class Recipe:
    """A recipe that is complete and valid. `tree` is the same as plain data, with every default filled in.

    Without stages it trains nothing: its generator is measured as it is.
    """

    name: str
    tree: Tree
    data: Part
    generator: GeneratorSpec
    critics: Mapping[str, CriticSpec]
    stages: tuple[StageSpec, ...]
    train: Train
    evaluate: Evaluate
    observers: Mapping[str, Part]
    features: Part | None = None
    about: str = ""

    @property
    def parts(self) -> Iterator[Part]:
        """Every part but the observers, which do not change what is learnt."""
        yield self.data
        if self.features:
            yield self.features
        yield self.generator.network
        yield from self.generator.losses.values()
        for critic in self.critics.values():
            yield from (critic.sampler, critic.discriminator, critic.objective, *critic.losses.values())
            if critic.representation:
                yield critic.representation
        for stage in self.stages:
            yield from (stage.losses or {}).values()
        yield from self.evaluate.metrics
