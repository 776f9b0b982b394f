"""A recipe as typed, frozen data: `resolve` makes it from a tree, and the engine builds from it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import to_jsonable_python

from toonlab.registry.catalogue import Catalogue

from .dotted_tree import Tree

Positive = Annotated[int, Field(gt=0, le=10**12)]
WEIGHTED = frozenset({"generator_losses", "discriminator_losses"})  # the kinds of part that have a weight


@dataclass(frozen=True)
class Part:
    """A part by its kind and name, with all its parameters; `weight` is for losses."""

    kind: str
    use: str
    parameters: Mapping[str, Any]
    weight: float = 1.0

    def make(self, catalogue: Catalogue, **injected: Any) -> Any:
        """Build the part; `injected` are the parameters that the engine fills in, such as `in_channels`."""
        own = {name: each.make(catalogue) if isinstance(each, Part) else each for name, each in self.parameters.items()}
        return catalogue.get(self.kind, self.use).factory(**own, **injected)


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
        weights: to begin with: a run's directory or a `.safetensors` file, for the same network; None: random ones.
        optimizer: a class of `torch.optim` and its arguments.
        losses: further losses of the generator, by name, in addition to the critics' objectives.
        schedule: a class of `torch.optim.lr_scheduler` and its arguments; its unit is the step.
    """

    network: Part
    optimizer: TorchPart
    losses: Mapping[str, Part] = field(default_factory=dict)
    schedule: TorchPart | None = None
    weights: Path | None = None


@dataclass(frozen=True)
class Weight:
    """Factors on the adversarial losses: `weight: {critic: 300, generator: 300}`, or one number for both.

    Args:
        critic: factor on the critic's loss, its further losses included.
        generator: factor on the generator's loss against this critic.
    """

    critic: Annotated[float, Field(ge=0)] = 1.0
    generator: Annotated[float, Field(ge=0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class CriticSpec:
    """A critic, an entry of the section `critics`.

    Args:
        sampler: selects the regions of an image that the discriminator gets; `whole` if left out.
        representation: transforms the regions; None: the RGB pixels.
        discriminator: its network.
        objective: the adversarial losses of both sides.
        losses: its further losses, by name.
        weight: factors on the adversarial losses of both sides.
        optimizer: a class of `torch.optim` and its arguments.
        schedule: a class of `torch.optim.lr_scheduler` and its arguments; its unit is the step.
        real: the stream of images that it takes for real.
        fake: the stream of images that it is to tell from them.
        pool: number of past fakes that it is shown among the new ones; None: only new ones.
    """

    sampler: Part
    representation: Part | None = None
    discriminator: Part
    objective: Part
    losses: Mapping[str, Part] = field(default_factory=dict)
    weight: Weight = field(default_factory=Weight)
    optimizer: TorchPart
    schedule: TorchPart | None = None
    real: str = "cartoon"
    fake: str = "fake"
    pool: Annotated[int, Field(gt=0, le=10_000)] | None = None


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """A stage of the training, an entry of the section `stages`; its length is one of `steps`, `epochs` and `share`.

    Args:
        steps: length in steps; scaled to `train.steps` where that is given.
        epochs: length in passes over the larger of the two sets, photos and cartoons; scaled likewise.
        share: length as a fraction of `train.steps`; the shares of all stages sum to 1.
        name: its name in the logs.
        keep_optimizers: continue with the optimizers of the stage before; else they start fresh.
        critics: the active critics; None: all critics of the recipe.
        losses: the generator's; None: all losses of the recipe. An entry changes the recipe's loss of its name.
        generator_optimizer: changes to the generator's optimizer.
        schedule: of all learning rates in this stage; it replaces those of generator and critics.
    """

    steps: Positive | None = None
    epochs: Annotated[float, Field(gt=0)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    name: str
    keep_optimizers: bool = False
    critics: tuple[str, ...] | None = None
    losses: Mapping[str, Part] | None = None
    generator_optimizer: TorchPart | None = None
    schedule: TorchPart | None = None


@dataclass(frozen=True)
class Train:
    """The section `train`.

    Args:
        steps: total number of steps; where stages have steps or epochs of their own, they are scaled to it.
        size: side of the training crops, in pixels.
        batch: images per step and domain, over all processes.
        seed: of initial weights, of the order of images and of all other random draws.
        crop: where a crop is cut from a larger image.
        flip: mirror half of the images.
        supervised: with each photo the cartoon of its own scene, cropped and mirrored alike, in place of an unpaired
            one; the data must have pairs.
        precision: `fp32` (on a GPU with TF32 in convolutions, torch's own default), `fp32-strict` (without), `tf32`
            (with TF32 in products of matrices, too) or `bf16` (autocast). On a CPU the first three are the same.
        order: which side is updated first in a step.
        generator_every: critic updates per generator update.
        ema: decay of the exponential moving average of the generator, which is evaluated and saved, of the further
            generators and of the losses that learn; None: off.
        channels_last: memory format of images and networks.
        compile: run the networks through `torch.compile`, where it works: a slow start, then faster steps. `graphs`:
            generator and features as CUDA graphs besides, for steps so small that a GPU waits for the program.
        workers: number of processes that load images; None: by the device.
        log_every: steps from one logged step to the next.
        evaluate_every: steps from one evaluation to the next.
        checkpoint_every: steps from one checkpoint to the next.
        keep_checkpoints: number of checkpoints that are kept, the newest.
        select: the weights of the result: `last`, or the name of a metric of the recipe, for its best evaluation.
    """

    steps: Positive | None = None
    size: Positive = 256
    batch: Positive = 8
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    crop: Literal["random", "center"] = "random"
    flip: bool = False
    supervised: bool = False
    precision: Literal["fp32", "fp32-strict", "tf32", "bf16"] = "fp32"
    order: Literal["critics_first", "generator_first"] = "critics_first"
    generator_every: Positive = 1
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    channels_last: bool = False
    compile: bool | Literal["graphs"] = False
    workers: Annotated[int, Field(ge=0)] | None = None
    log_every: Positive = 50
    evaluate_every: Positive = 1000
    checkpoint_every: Positive = 1000
    keep_checkpoints: Positive = 3
    select: str = "last"


CADENCE = frozenset({"workers", "log_every", "checkpoint_every", "keep_checkpoints"})  # without effect on the weights


@dataclass(frozen=True)
class Evaluate:
    """The section `evaluate`.

    Args:
        metrics: the metrics; the first is the primary one.
        samples: number of photos that are measured.
        cartoons: largest number of real cartoons that sets of fakes are compared with.
        grid: number of photos in the sample grid, the first ones.
        audit: measure the primary metric on the test samples at every evaluation, too; no decision uses the values.
    """

    metrics: tuple[Part, ...] = ()
    samples: Positive = 64
    cartoons: Positive = 256
    grid: Positive = 6
    audit: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe that is complete and valid; its fields are in the order in which `recipe.yaml` has them.

    Without stages it trains nothing: its generator is measured as it is. `generators` are further ones by name, which
    the generator's optimizer trains, too, and `streams` the images that they, or the generator, make: by name, the
    generator and the stream of its input.
    """

    name: str
    about: str = ""
    data: Part
    features: Part | None = None
    generator: GeneratorSpec
    generators: Mapping[str, Part] = field(default_factory=dict)
    streams: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    critics: Mapping[str, CriticSpec]
    train: Train
    stages: tuple[StageSpec, ...]
    evaluate: Evaluate
    observers: Mapping[str, Part]

    @cached_property
    def tree(self) -> Tree:
        """The recipe as plain data, with every default filled in: a recipe of the same meaning."""
        return {key: value for key, value in plain(self).items() if key != "name"}

    @cached_property
    def part_at(self) -> dict[str, Part]:
        """Every part by its dotted path, such as `critics.patch.sampler`."""
        return dict(_parts(self))

    @property
    def supervised(self) -> bool:
        """Whether it is trained on pairs."""
        return self.train.supervised and bool(self.stages)

    @property
    def parts(self) -> Iterator[Part]:
        """Every part but the observers, which have no effect on the weights."""
        return (part for part in self.part_at.values() if part.kind != "observers")


def plain(spec: Any) -> Any:
    """A specification, or a mapping or tuple of them, as plain data as a recipe's file has it."""
    if isinstance(spec, Part):
        weight = {"weight": spec.weight} if spec.kind in WEIGHTED else {}
        inner = {name: plain(each) for name, each in spec.parameters.items() if isinstance(each, Part)}
        return {"use": spec.use, **weight, **to_jsonable_python({**spec.parameters, **inner})}
    if isinstance(spec, TorchPart):
        return {"use": spec.use, **to_jsonable_python(spec.arguments)}
    if isinstance(spec, Mapping) or is_dataclass(spec):
        found = {key: plain(value) for key, value in _children(spec)}
        optional = found if isinstance(spec, StageSpec) else ("schedule",)  # left out where they are not given
        return {key: value for key, value in found.items() if value is not None or key not in optional}
    if isinstance(spec, Path):
        return str(spec)
    return [plain(value) for value in spec] if isinstance(spec, tuple) else spec


def _parts(spec: Any, path: str = "") -> Iterator[tuple[str, Part]]:
    """The parts in a specification, by their dotted paths."""
    for key, value in _children(spec):
        if isinstance(value, Part):
            yield f"{path}{key}", value
        yield from _parts(value.parameters if isinstance(value, Part) else value, f"{path}{key}.")


def _children(spec: Any) -> Iterable[tuple[Any, Any]]:
    if is_dataclass(spec):
        return [(each.name, getattr(spec, each.name)) for each in fields(spec)]
    if isinstance(spec, Mapping):
        return spec.items()
    return enumerate(spec) if isinstance(spec, tuple) else ()
