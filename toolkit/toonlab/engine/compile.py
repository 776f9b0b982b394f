"""`train.compile`: the networks' forward passes through `torch.compile`, each tried before it is used."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from toonlab.errors import first_line
from toonlab.types import Batch, Features
from toonlab.utils.rng import rng, seeded

from .gan import GAN, frozen

Forward = Callable[[Tensor], Tensor]
Pass = Callable[[GAN, nn.Module, Tensor], None]
Use = tuple[str, nn.Module, Tensor, tuple[Pass, ...]]  # a network by its path, its input, its passes in a step


def compiled(gan: GAN, batch: int, size: int, channels_last: bool = False, graphs: bool = False) -> GAN:
    """The same GAN with compiled networks in its steps.

    Every network is compiled for the shapes of a step and tried on noise, forwards and backwards, as a step uses it:
    many errors occur only then. A network that fails (no C++ compiler, a wrongly compiled operator) runs uncompiled; a
    single warning names all of them. Weights, buffers and random numbers do not change. Checkpoints and evaluations
    use the networks themselves, so names don't change, and photos of other sizes are not compiled for.

    Args:
        batch: images per step in this process.
        size: side of the training images, in pixels.
        channels_last: the memory format of those images.
        graphs: record generator and features as CUDA graphs, on a GPU. Critics are not: their spectral norms keep a
            vector from one evaluation to the next, which the next replay would overwrite.
    """
    form = torch.channels_last if channels_last else torch.contiguous_format
    noise = torch.rand((batch, 3, size, size), generator=rng(gan.seed, "compile")) * 2 - 1
    photo = noise.to(gan.distributed.device).contiguous(memory_format=form)
    simplest = nn.Tanh()  # soon tells if nothing can be compiled here
    forwards: dict[nn.Module, Forward] = {}
    reasons: dict[str, str] = {}
    graphs = graphs and gan.distributed.device.type == "cuda"
    for path, net, images, passes in [("every network", simplest, photo, (_without_gradients,)), *_uses(gan, photo)]:
        try:
            graph = graphs and net in (gan.generator, gan.features)
            forwards[net] = _compile(gan, net, images, passes, "reduce-overhead" if graph else None)
        except Exception as error:  # any error: training works without the compiler
            reasons[path] = f"{type(error).__name__}: {first_line(error)}"
        if simplest not in forwards:
            break
    forwards.pop(simplest, None)
    if reasons:
        text = f"train.compile: {', '.join(reasons)} left uncompiled: {next(iter(reasons.values()))}"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    return replace(gan, compiled=forwards, graphs=graphs)


def _uses(gan: GAN, photo: Tensor) -> Iterator[Use]:
    generator_passes: tuple[Pass, ...] = (_update_generator,)
    generator_passes += (_of_stream,) if gan.stream_inputs else ()
    generator_passes += (_without_gradients,) if gan.generator_every > 1 else ()
    yield "generator.network", gan.generator, photo, generator_passes
    for name, generator in gan.generators.items():
        yield f"generators.{name}", generator, photo, generator_passes
    if gan.features is not None:
        yield "features", gan.features, photo, (_without_gradients, _through_features)
    other = photo.flip(-1)
    streams = gan.streams(Batch(photo, other), False, fake=other, **dict.fromkeys(gan.stream_inputs, other))
    for critic in gan.critics.values():
        with torch.no_grad():
            view = gan.view(critic, streams, 0).fake
        yield f"critics.{critic.name}.discriminator", critic.net, view, (_update_critic, _through_to_input)


def _compile(gan: GAN, net: nn.Module, images: Tensor, passes: Iterable[Pass], mode: str | None) -> Forward:
    """A network's compiled forward pass, after a trial of all its passes."""
    # a network class of several critics has several shapes
    forward: Forward = torch.compile(net, dynamic=False, mode=mode)
    trial = replace(gan, compiled={net: forward})
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    try:
        with seeded(gan.seed, "compile"):
            for run in passes:
                run(trial, net, images)
    finally:
        net.zero_grad(set_to_none=True)
        for name, buffer in net.named_buffers():
            buffer.copy_(before[name])
    return forward


# -- a network's passes in a step


def _update_generator(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """The generator, on photos."""
    gan.run(net, images).sum().backward()


def _of_stream(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """A generator, on what another one made: the gradient flows to both."""
    gan.run(net, images.clone().requires_grad_()).sum().backward()


def _update_critic(gan: GAN, net: nn.Module, view: Tensor) -> None:
    """A critic in its own update: on real and fake, before one backward pass."""
    (gan.run(net, view) + gan.run(net, view)).sum().backward()


def _through_to_input(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """A critic in the generator's update: the gradient flows to the images."""
    with frozen([net]):
        gan.run(net, images.clone().requires_grad_()).sum().backward()


def _through_features(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """Features of a fake, one layer or several: the gradient flows to the images."""
    layers = Features(gan.extract).layers(images.clone().requires_grad_())
    torch.stack([layer.sum() for layer in layers]).sum().backward()  # type: ignore[no-untyped-call]


def _without_gradients(gan: GAN, net: nn.Module, images: Tensor) -> None:
    """Features of a photo, or the generator in a step without its update."""
    with torch.no_grad():
        gan.run(net, images)
