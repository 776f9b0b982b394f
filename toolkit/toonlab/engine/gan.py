"""One training step: one forward pass for each stream, one view per critic, one feature extraction per image.

The fake, further streams and the views are made once; only a critic with a pool sees other fakes than the generator.
Critics see them detached; the generator sees them attached, with the critics' parameters frozen for that pass. Critics
are called on real and fake separately, never on a concatenation.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from toonlab.errors import PartError
from toonlab.recipes.spec import Weight
from toonlab.registry.protocols import DiscriminatorLoss, Encoder, GeneratorLoss, Objective, ViewTransform
from toonlab.types import NO_ENCODER, Batch, Context, Features, Logits, Step, Views
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.rng import rng

from .average import MovingAverage
from .pool import ImagePool
from .streams import Streams, StreamSource

Scalars = dict[str, Tensor]


@dataclass(frozen=True)
class Critic:
    """Sampler, representation, discriminator, objective and further losses (each with its weight).

    `real` and `fake` are the streams that it tells apart; `pool`, if there is one, gives it earlier fakes, too.
    """

    name: str
    net: nn.Module
    objective: Objective
    sampler: ViewTransform
    representation: ViewTransform | None = None
    losses: Mapping[str, tuple[float, DiscriminatorLoss]] = field(default_factory=dict)
    weight: Weight = field(default_factory=Weight)
    real: str = "cartoon"
    fake: str = "fake"
    pool: ImagePool | None = None

    def view(self, views: Views) -> Views:
        views = self.sampler(views)
        return self.representation(views) if self.representation else views


@dataclass(frozen=True)
class CriticHandle:
    """The parts of a critic that its further losses may use: `toonlab.CriticParts`."""

    name: str
    net: nn.Module
    objective: Objective
    logits: Callable[[Tensor], Tensor]


@dataclass
class OptimizerState:
    """The optimizer of the generator or of a critic in this stage, and its learning-rate schedule."""

    optimizer: Optimizer | None  # None: nothing to learn
    schedule: LRScheduler | None = None

    def update(self, loss: Tensor, distributed: DistributedContext) -> None:
        if self.optimizer is None:
            return
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(p for group in self.optimizer.param_groups for p in group["params"])
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()


@dataclass(frozen=True)
class ActiveStage:
    """A stage in progress: its steps, critics and losses, and the optimizers of both sides."""

    name: str
    start: int
    stop: int
    critics: tuple[Critic, ...]
    losses: Mapping[str, tuple[float, GeneratorLoss]]
    generator_state: OptimizerState
    critic_states: Mapping[str, OptimizerState]


@dataclass(frozen=True)
class GAN:
    """The networks, and the training step that they run in.

    `seed` keys the draws of views and losses. `autocast` is the dtype that the networks' forward passes run in (None:
    float32); views, objectives and losses are always computed in float32. `compiled` maps networks to compiled
    forward passes, some of them by CUDA graphs if `graphs`. `generators` are further ones, which the generator's
    optimizer trains, too; `stream_inputs` are the streams that they make: stream -> generator and stream of its input.
    `supervised` says that batches are pairs. `ema` averages the `learners`.
    """

    generator: nn.Module
    critics: Mapping[str, Critic]
    stage_losses: tuple[Mapping[str, tuple[float, GeneratorLoss]], ...]
    features: nn.Module | None
    seed: int
    distributed: DistributedContext
    autocast: torch.dtype | None = None
    generator_first: bool = False
    generator_every: int = 1
    ema: MovingAverage | None = None
    compiled: Mapping[nn.Module, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    generators: Mapping[str, nn.Module] = field(default_factory=dict)
    stream_inputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    graphs: bool = False
    supervised: bool = False

    @property
    def trained(self) -> nn.Module:
        """The generator that is evaluated and saved: the moving average where there is one."""
        return self._averaged("generator", self.generator)

    @property
    def trained_generators(self) -> dict[str, nn.Module]:
        """The further generators, likewise."""
        return {name: self._averaged(f"generators/{name}", net) for name, net in self.generators.items()}

    def _averaged(self, name: str, net: nn.Module) -> nn.Module:
        return self.ema.module[name] if self.ema else net  # type: ignore[index]

    @cached_property
    def learners(self) -> nn.ModuleDict:
        """What the generator's optimizer trains: the generators, and the losses that are modules."""
        parts = {name: part for name, part in self.parts().items() if not name.startswith(("critic/", "features"))}
        return nn.ModuleDict({name: part for name, part in parts.items() if isinstance(part, nn.Module)})

    def parts(self) -> dict[str, Any]:
        """All parts by their names in a checkpoint; a loss that several stages share comes several times."""
        found: dict[str, Any] = {"generator": self.generator, "features": self.features}
        found |= {f"generators/{name}": generator for name, generator in self.generators.items()}
        for name, critic in self.critics.items():
            keys = ("net", "sampler", "representation", "objective", "pool")
            found |= {f"critic/{name}/{key}": getattr(critic, key) for key in keys}
            found |= {f"critic/{name}/losses/{key}": loss for key, (_, loss) in critic.losses.items()}
        for index, losses in enumerate(self.stage_losses):
            found |= {f"stage/{index}/{name}": loss for name, (_, loss) in losses.items()}
        return found

    def step(self, stage: ActiveStage, batch: Batch, number: int) -> Scalars:
        """Train on one batch; `number` counts all steps from 0.

        Returns:
            The losses, unweighted, and both sides' weighted totals, as tensors, so that nothing waits for the device.
        """
        if self.graphs:
            # what the graphs gave in the last step may be overwritten
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        generator_moves = (number + 1) % self.generator_every == 0
        streams = self.streams(batch, learning=generator_moves)
        with torch.set_grad_enabled(generator_moves):
            views = {critic.name: self.view(critic, streams, number) for critic in stage.critics}
        scalars: Scalars = {}
        if not self.generator_first:
            self.update_critics(stage, streams, views, number, scalars)
        if generator_moves:
            self.update_generator(stage, streams, views, number, scalars)
        if self.generator_first:
            self.update_critics(stage, streams, views, number, scalars)
        return scalars

    def streams(self, batch: Batch, learning: bool = True, **made: Tensor) -> Streams:
        """The images of a step; those that were `made` already are not made again."""
        nets = {"generator": self.generator, **self.generators}
        sources = {"fake": StreamSource(self.generator, "photo")}
        sources |= {name: StreamSource(nets[net], source) for name, (net, source) in self.stream_inputs.items()}
        return Streams(batch, sources, self.run, learning, made)

    def run(self, net: nn.Module, images: Tensor) -> Any:
        """A network's forward pass, compiled or not, in the precision of the run."""
        return self._in_precision(self.compiled.get(net, net), images)

    def _in_precision(self, forward: Callable[[Tensor], Any], images: Tensor) -> Any:
        """A forward pass in the precision of the run; its output, or each of several, leaves autocast as float32."""
        with torch.autocast(self.distributed.device.type, self.autocast, enabled=self.autocast is not None):
            output = forward(images)
        if self.autocast is None:
            return output
        return tuple(layer.float() for layer in output) if isinstance(output, tuple) else output.float()

    def view(self, critic: Critic, streams: Streams, number: int) -> Views:
        """A critic's views in this step; the fake side stays attached to the generator."""
        return self._view(critic, streams, streams[critic.fake], streams.origin(critic.fake), number)

    def _view(self, critic: Critic, streams: Streams, fake: Tensor, origin: Tensor, number: int) -> Views:
        key = (critic.name, number, self.distributed.rank)
        context = Context(
            photo=origin,
            critic=critic.net,
            rng=rng(self.seed, "view", *key),
            step=number,
            representation=critic.representation,
            logits=partial(self._in_precision, critic.net),  # uncompiled: the number of candidates varies
            scoring_rng=partial(rng, self.seed, "ask", *key),
            real_photo=streams.origin(critic.fake) if self.supervised else None,
        )
        return critic.view(Views(streams[critic.real], fake, context=context))

    def pooled(self, critic: Critic, pool: ImagePool, streams: Streams, number: int) -> Views:
        """A critic's views with earlier fakes among this step's, each with what it was made from."""
        pairs = torch.cat([streams[critic.fake], streams.origin(critic.fake)], 1).detach()
        everywhere = self.distributed.gather(pairs)
        given = pool(everywhere, rng(self.seed, "pool", critic.name, number))
        own = given[self.distributed.rank * len(pairs) :][: len(pairs)]
        fake, origin = own.chunk(2, 1)
        return self._view(critic, streams, fake, origin, number)

    def update_critics(
        self, stage: ActiveStage, streams: Streams, views: Mapping[str, Views], number: int, scalars: Scalars
    ) -> None:
        for critic in stage.critics:
            seen = self.pooled(critic, critic.pool, streams, number) if critic.pool else views[critic.name]
            loss = self.critic_loss(critic, replace(seen, real=seen.real.detach(), fake=seen.fake.detach()), scalars)
            stage.critic_states[critic.name].update(loss, self.distributed)

    def critic_loss(self, critic: Critic, views: Views, scalars: Scalars) -> Tensor:
        """`weight.critic` times the adversarial loss and the further losses."""
        logits = Logits(self.run(critic.net, views.real), self.run(critic.net, views.fake))
        total = scalars[f"critic/{critic.name}/adversarial"] = critic.objective.critic(logits)
        handle = CriticHandle(critic.name, critic.net, critic.objective, partial(self.run, critic.net))
        for name, (weight, loss) in critic.losses.items():
            value = scalars[f"critic/{critic.name}/{name}"] = loss(handle, views, logits)
            total = total + weight * value
        total = scalars[f"critic/{critic.name}/total"] = critic.weight.critic * total
        return total

    def update_generator(
        self, stage: ActiveStage, streams: Streams, views: Mapping[str, Views], number: int, scalars: Scalars
    ) -> None:
        """Minimise the adversarial losses by their critics' `weight.generator`, and the losses by their weights."""
        with frozen(critic.net for critic in stage.critics):
            logits = {critic.name: self.run(critic.net, views[critic.name].fake) for critic in stage.critics}
            total = streams["fake"].new_zeros(())
            for critic in stage.critics:
                value = scalars[f"generator/adversarial/{critic.name}"] = critic.objective.generator(
                    logits[critic.name]
                )
                total = total + critic.weight.generator * value
            features, batch = Features(self.extract), streams.batch
            for name, (weight, loss) in stage.losses.items():
                draw = rng(self.seed, "loss", name, number, self.distributed.rank)
                step = Step(batch, streams["fake"], views, logits, features, draw, streams, number, self.encode)
                value = scalars[f"generator/{name}"] = loss(step)
                total = total + weight * value
            scalars["generator/total"] = total
            stage.generator_state.update(total, self.distributed)
        if self.ema:
            self.ema.update(self.learners)

    def encode(self, images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        """The generator's features of images; see `Step.encode`."""
        if not isinstance(self.generator, Encoder):
            raise PartError(NO_ENCODER)
        found: tuple[Tensor, ...] = self._in_precision(partial(self.generator.encode, layers=layers), images)
        return found

    def extract(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The recipe's features of images, as the network returns them: one tensor, or one for each of its layers."""
        if self.features is None:
            raise PartError("features: missing, but a loss asks for them; add a section such as features: {use: vgg19}")
        return self.run(self.features, images)


@contextmanager
def frozen(nets: Iterable[nn.Module]) -> Iterator[None]:
    """Freeze the networks' parameters within the block; gradients still flow through the networks to their inputs."""
    parameters = [p for net in nets for p in net.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
