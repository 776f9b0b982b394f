"""Where the time of a training step goes: each part's forward pass, and its backward pass within the whole one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from _common import wait
from torch import Tensor, nn

from toonlab import Views
from toonlab.engine.gan import GAN, ActiveStage, Critic
from toonlab.registry.protocols import ViewTransform

REST = "losses"  # objectives, colour, total variation, sums: whatever is no part of its own


class Stopwatch:
    """Seconds by part. One part runs at a time; on a GPU every change of parts waits for the device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.reset()

    def reset(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.part, self.since = REST, time.perf_counter()

    def switch(self, part: str) -> None:
        wait(self.device)
        now = time.perf_counter()
        self.seconds[self.part] += now - self.since
        self.part, self.since = part, now

    @contextmanager
    def during(self, part: str) -> Iterator[None]:
        before = self.part
        self.switch(part)
        yield
        self.switch(before)

    def through(self, part: str, work: Callable[[Tensor], Any], images: Tensor) -> Any:
        """`work(images)`, timed forwards and, by hooks on what goes in and what comes out, backwards.

        Of several outputs, as features of several layers are, each counts.
        """
        attached = torch.is_grad_enabled() and images.requires_grad
        inside = images.view_as(images) if attached else images
        with self.during(part):
            output = work(inside)
        outputs = output if isinstance(output, tuple) else (output,)
        if made := [layer for layer in outputs if layer is not inside and layer.requires_grad]:
            for layer in made:
                layer.register_hook(lambda _: self.switch(part))
            if attached:
                inside.register_hook(lambda _: self.switch(REST))
        return output


@dataclass(frozen=True)
class TimedGAN(GAN):
    """A GAN whose networks are timed."""

    watch: Stopwatch = field(kw_only=True)

    def run(self, net: nn.Module, images: Tensor) -> Any:
        part = "generator" if net is self.generator else "features" if net is self.features else "critics"
        return self.watch.through(part, lambda inside: GAN.run(self, net, inside), images)


@dataclass(frozen=True)
class TimedTransform:
    """A sampler or a representation that is timed, on the side of the fake: the only one that has gradients."""

    part: str
    transform: ViewTransform
    watch: Stopwatch

    def __call__(self, views: Views) -> Views:
        made = views

        def work(fake: Tensor) -> Tensor:
            nonlocal made
            made = self.transform(replace(views, fake=fake))
            return made.fake

        self.watch.through(self.part, work, views.fake)
        return made


def timed(gan: GAN, watch: Stopwatch) -> TimedGAN:
    """The same GAN, timed."""
    values = {known.name: getattr(gan, known.name) for known in fields(gan)}
    critics = {name: _timed_critic(critic, watch) for name, critic in gan.critics.items()}
    return TimedGAN(**{**values, "critics": critics, "watch": watch})


def _timed_critic(critic: Critic, watch: Stopwatch) -> Critic:
    critic = replace(critic, sampler=TimedTransform("sampler", critic.sampler, watch))
    if critic.representation is None:
        return critic
    return replace(critic, representation=TimedTransform("representation", critic.representation, watch))


def time_optimizers(stage: ActiveStage, watch: Stopwatch) -> None:
    """From the end of a backward pass to the end of the update that follows it."""
    for state in (stage.generator_state, *stage.critic_states.values()):
        if state.optimizer is not None:
            state.optimizer.register_step_pre_hook(lambda *_: watch.switch("optimizers"))
            state.optimizer.register_step_post_hook(lambda *_: watch.switch(REST))
