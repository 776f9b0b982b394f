"""`train.compile`: the networks' forward passes through `torch.compile`, each tried before it is used."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from toonlab.errors import first_line
from toonlab.types import Batch
from toonlab.utils.rng import rng, seeded

from .gan import GAN, frozen

Forward = Callable[[Tensor], Tensor]
Pass = Callable[[GAN, nn.Module, Tensor], None]


def compiled(gan: GAN, batch: int, size: int, channels_last: bool = False) -> GAN:
    """The same GAN with compiled networks in its steps.

    Every network is compiled for the shapes of a step and tried on noise, forwards and backwards, as a step uses it:
    many errors occur only then. A network that fails (no C++ compiler, a wrongly compiled operator) runs uncompiled; a
    single warning names all of them. Weights, buffers and random numbers do not change.
    Checkpoints and evaluations use the networks themselves, so names don't change, and photos of other sizes are not
    compiled for.

    Args:
        batch: images per step in this process.
        size: side of the training images, in pixels.
        channels_last: the memory format of those images.
    """
    noise = _noise(gan, batch, size, channels_last)
    simplest = _Use(
        "every network", nn.Tanh(), noise.photo, (_without_gradients,)
    )  # soon tells if nothing can be compiled here
    forwards, reasons = _tried(gan, [simplest])
    if not reasons:
        forwards, reasons = _tried(gan, _uses(gan, noise))
    if reasons:
        text = f"train.compile: {', '.join(reasons)} left uncompiled: {next(iter(reasons.values()))}"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    return replace(gan, compiled=forwards)


@dataclass(frozen=True)
class _Use:
    """A network, its input, and the passes of a step through it: a variant is compiled for each."""

    path: str
    net: nn.Module
    images: Tensor
    passes: tuple[Pass, ...]


def _noise(gan: GAN, batch: int, size: int, channels_last: bool) -> Batch:
    photo = torch.rand((batch, 3, size, size), generator=rng(gan.seed, "compile")) * 2 - 1
    form = torch.channels_last if channels_last else torch.contiguous_format
    photo = photo.to(device=gan.distributed.device).contiguous(memory_format=form)
    return Batch(photo, photo.flip(-1))


def _uses(gan: GAN, batch: Batch) -> Iterator[_Use]:
    generator_passes = (_update_generator, _without_gradients) if gan.generator_every > 1 else (_update_generator,)
    yield _Use("generator.network", gan.generator, batch.photo, generator_passes)
    if gan.features is not None:
        yield _Use("features", gan.features, batch.photo, (_without_gradients, _through_to_input))
    for critic in gan.critics.values():
        with torch.no_grad():
            view = gan.view(critic, batch, batch.cartoon, 0).fake
        yield _Use(f"critics.{critic.name}.discriminator", critic.net, view, (_update_critic, _through_to_input))


def _tried(gan: GAN, uses: Iterable[_Use]) -> tuple[dict[nn.Module, Forward], dict[str, str]]:
    """The compiled forward passes, and the reasons of the networks that have none."""
    forwards, reasons = {}, {}
    for use in uses:
        try:
            forwards[use.net] = _compile(gan, use)
        except Exception as error:  # any error: training works without the compiler
            reasons[use.path] = f"{type(error).__name__}: {first_line(error)}"
    return forwards, reasons


def _compile(gan: GAN, use: _Use) -> Forward:
    """The network's compiled forward pass, after a trial of all its passes."""
    forward: Forward = torch.compile(use.net, dynamic=False)  # a network class of several critics has several shapes
    trial = replace(gan, compiled={use.net: forward})
    before = {name: buffer.clone() for name, buffer in use.net.named_buffers()}
    try:
        with seeded(gan.seed, "compile"):
            for run in use.passes:
                run(trial, use.net, use.images)
    finally:
        use.net.zero_grad(set_to_none=True)
        for name, buffer in use.net.named_buffers():
            buffer.copy_(before[name])
    return forward


# -- a network's passes in a step


def _update_generator(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """The generator, on photos."""
    gan.run(net, images).sum().backward()  # type: ignore[no-untyped-call]


def _update_critic(gan: GAN, net: nn.Module, view: Tensor) -> None:
    """A critic in its own update: on real and fake, before one backward pass."""
    (gan.run(net, view) + gan.run(net, view)).sum().backward()  # type: ignore[no-untyped-call]


def _through_to_input(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """A critic in the generator's update, or features of a fake: the gradient flows to the images."""
    with frozen([net]):
        gan.run(net, images.clone().requires_grad_()).sum().backward()  # type: ignore[no-untyped-call]


def _without_gradients(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """Features of a photo, or the generator in a step without its update."""
    with torch.no_grad():
        gan.run(net, images)
