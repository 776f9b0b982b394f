"""Builds a recipe's parts one by one, sends a probe through them, and collects all problems."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from toonlab.errors import PartError, PluginError, Problem, ToonlabError, reason
from toonlab.recipes.spec import CriticSpec, Part, Recipe, StageSpec
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Encoder, ViewTransform
from toonlab.types import NO_ENCODER, Context, Views, evaluating
from toonlab.utils.rng import rng, seeded
from toonlab.utils.text import with_article

from .checkpoint import start_from
from .gan import Critic
from .pool import ImagePool
from .stages import trainable


class PartBuilder:
    """Builds the parts of one recipe and collects the problems."""

    def __init__(self, recipe: Recipe, catalogue: Catalogue) -> None:
        self.recipe, self.catalogue = recipe, catalogue
        self.problems: list[Problem] = []

    def make(self, path: str, part: Part, **injected: Any) -> Any:
        try:
            with seeded(self.recipe.train.seed, "init", path):
                return part.make(self.catalogue, **injected)
        except PluginError:
            raise
        except Exception as error:
            self.problems.append(Problem(path, _text(part.use, error)))
            return None

    def module(self, path: str, part: Part, **injected: Any) -> nn.Module | None:
        made = self.make(path, part, **injected)
        if made is None or isinstance(made, nn.Module):
            return made
        self.problems.append(
            Problem(path, f"{part.use} made {with_article(type(made).__name__)}, expected an nn.Module")
        )
        return None

    def generator(self) -> nn.Module | None:
        """The generator, with the weights that the recipe names."""
        spec = self.recipe.generator
        made = self.module("generator.network", spec.network)
        if made is None or spec.weights is None:
            return made
        try:
            return start_from(spec.weights, made, spec.network.use)
        except ToonlabError as error:
            self.problems.append(Problem("generator.weights", str(error)))
            return None

    def check_taught(self, generator: nn.Module | None) -> None:
        """A generator that learns needs a loss or a critic in every stage; another needs none."""
        if generator is None:
            return
        if not trainable([generator]):
            text = f"{self.recipe.generator.network.use} has nothing to learn; remove losses, critics and stages"
            self.problems.append(Problem("generator", text))
            return
        for index, stage in enumerate(self.recipe.stages):
            critics = self.recipe.critics if stage.critics is None else stage.critics
            losses = self.recipe.generator.losses if stage.losses is None else stage.losses
            if not critics and not losses:
                text = f"{stage.name!r} has neither losses nor critics for the generator to learn from; give it some"
                self.problems.append(Problem(f"stages.{index}", text))

    def losses(self, path: str, parts: Mapping[str, Part], **offered: Any) -> dict[str, tuple[float, Any]]:
        """The losses by name; of what is `offered`, each gets what it takes."""
        return {name: (part.weight, self.loss(f"{path}.{name}", part, offered)) for name, part in parts.items()}

    def loss(self, path: str, part: Part, offered: Mapping[str, Any]) -> Any:
        taken = inspect.signature(self.catalogue.get(part.kind, part.use).factory).parameters
        return self.make(path, part, **{name: value for name, value in offered.items() if name in taken})

    def stage_losses(
        self, index: int, stage: StageSpec, shared: Mapping[str, Any], **offered: Any
    ) -> dict[str, tuple[float, Any]]:
        """A stage's losses; one that equals a loss of the recipe except for its weight is the same object."""
        if stage.losses is None:
            return dict(shared)
        losses = {}
        for name, part in stage.losses.items():
            known = self.recipe.generator.losses.get(name)
            same = known is not None and (known.use, known.parameters) == (part.use, part.parameters)
            made = shared[name][1] if same else self.loss(f"stages.{index}.losses.{name}", part, offered)
            losses[name] = (part.weight, made)
        return losses

    def critic(self, name: str, photo: Tensor) -> Critic | None:
        spec, path = self.recipe.critics[name], f"critics.{name}"
        sampler, representation, views = self.seen(path, spec, photo)
        if views is None:
            return None
        discriminator = f"{path}.discriminator"
        net = self.module(discriminator, spec.discriminator, in_channels=views.real.shape[1])
        self.probe(discriminator, net, views.real[:1])
        objective = self.make(f"{path}.objective", spec.objective)
        losses = self.losses(f"{path}.losses", spec.losses)
        if net is None:
            return None
        pool = ImagePool(spec.pool) if spec.pool else None
        return Critic(name, net, objective, sampler, representation, losses, spec.weight, spec.real, spec.fake, pool)

    def seen(self, path: str, spec: CriticSpec, photo: Tensor) -> tuple[Any, Any, Views | None]:
        """A critic's sampler and representation, and its views of photos; None after a problem."""
        parts = {"sampler": spec.sampler, "representation": spec.representation}
        made: dict[str, Any] = {key: self.make(f"{path}.{key}", part) if part else None for key, part in parts.items()}
        pairs = photo if self.recipe.train.supervised else None
        context = Context(photo, Unbuilt(), rng(0, "probe", path), 0, made["representation"], real_photo=pairs)
        views: Views | None = Views(photo, photo.flip(-1), context=context) if made["sampler"] is not None else None
        for key, part in parts.items():
            if part and made[key] is not None and views is not None:
                try:
                    views = made[key](views)
                except Exception as error:
                    self.problems.append(Problem(f"{path}.{key}", _text(part.use, error)))
                    views = None
        return made["sampler"], made["representation"], views

    def probe(self, path: str, net: nn.Module | None, images: Tensor) -> None:
        """One forward pass in eval mode; the network's state does not change."""
        if net is None:
            return
        training = net.training
        try:
            with torch.no_grad():
                net.eval()(images)
        except Exception as error:
            channels, height, width = images.shape[1:]
            text = f"can't take images of {width}x{height} pixels and {channels} channels: {reason(error)}"
            self.problems.append(Problem(path, text))
        finally:
            net.train(training)


def channels_at(generator: nn.Module | None, photo: Tensor, layers: Sequence[int]) -> tuple[int, ...]:
    """The numbers of channels of a generator at its layers; its state does not change."""
    if not isinstance(generator, Encoder):
        raise PartError(NO_ENCODER)
    with torch.no_grad(), evaluating(generator):
        return tuple(features.shape[1] for features in generator.encode(photo, layers))


class Unbuilt(nn.Module):
    """Stands in for a critic that is not built yet, since its views decide its channels: its logits are the mean."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(1, keepdim=True)


@torch.no_grad()
def views_alone(image: Tensor, sampler: ViewTransform, representation: ViewTransform | None = None) -> Views:
    """The views of one image, `(3, H, W)` in [-1, 1], as photo, cartoon and fake at once, by an unbuilt critic."""
    images = image[None]
    context = Context(images, Unbuilt(), rng(0, "inspect"), 0, representation, real_photo=images)
    views = Views(images, images, context=context)
    return representation(sampler(views)) if representation else sampler(views)


def _text(use: str, error: Exception) -> str:
    return str(error) if isinstance(error, ToonlabError) else f"{use} failed: {reason(error)}"
