"""Tests of losses of critics and of the generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from toonlab.registry.protocols import Objective
from toonlab.types import Batch, Features, Logits, Step, Views
from toonlab.utils.rng import rng

from . import inputs
from .frame import (
    PartTests,
    expect,
    finite,
    goes_on,
    gpu,
    independent_of_global_seeds,
    no_global_draws,
    print_cost,
    same_twice,
    skip_unless,
    tried,
    unchanged,
)

_CPU = torch.device("cpu")


class LossTests(PartTests):
    """Tests of what gives one number."""

    rng = ""

    def loss(self, part: Any = None, step: int = 3, device: torch.device = _CPU) -> Tensor:
        raise NotImplementedError

    def test_it_is_a_finite_scalar(self) -> None:
        loss = self.loss()
        expect(
            isinstance(loss, Tensor) and loss.ndim == 0,
            f"{self.name} gives {tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__}, expected a "
            "scalar tensor; take the mean",
        )
        finite(self.name, loss, "the loss", "guard roots, logarithms and divisions near 0")

    def test_the_same_step_gives_the_same_loss(self) -> None:
        part = self.make()
        cause = f"what is drawn must depend on {self.rng} alone"
        same_twice(self.name, self.loss(part).detach(), self.loss(part).detach(), "losses", cause)

    def test_only_the_steps_generator_is_drawn_from(self) -> None:
        part = self.make()
        with no_global_draws(self.name, self.rng):
            self.loss(part)
        independent_of_global_seeds(self.name, lambda: [self.loss()], self.rng)

    def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened(self) -> None:
        goes_on(self.name, self.make, lambda part, step: [self.loss(part, step).detach()])

    def test_the_cpu_and_the_gpu_agree(self) -> None:
        device, here = gpu(), float(self.loss().detach())
        part = self.make()
        part = part.to(device) if isinstance(part, nn.Module) else part
        text = f"{self.name} fails on a GPU; make tensors on the images' device, and move there what was drawn"
        there = float(tried(text, lambda: self.loss(part, device=device)).detach())
        expect(
            abs(there - here) <= 1e-2 * max(abs(here), 1e-3), f"{self.name}: {there:.5g} on a GPU, {here:.5g} on a CPU"
        )


class DiscriminatorLossTests(LossTests):
    """`class TestMyLoss(DiscriminatorLossTests): factory = MyLoss`."""

    kind = "discriminator_losses"
    rng = "views.context.rng"

    def loss(self, part: Any = None, step: int = 3, device: torch.device = _CPU) -> Tensor:
        __tracebackhide__ = True
        return self._of(part or self.make(), critic(device=device), views(step, device=device))

    def _of(self, part: Any, asked: Asked, seen: Views) -> Tensor:
        __tracebackhide__ = True
        logits = Logits(asked.net(seen.real), asked.net(seen.fake))
        return tried(f"{self.name} fails", part, asked, seen, logits)

    def test_the_critic_learns_by_it(self) -> None:
        asked = critic()
        loss = self._of(self.make(), asked, views())
        expect(loss.requires_grad, f"{self.name}: no gradient flows to the critic; let the loss depend on its logits")
        skip_unless(loss.ndim == 0, "it is no scalar")
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in asked.net.parameters() if parameter.grad is not None]
        expect(
            any(gradient.abs().sum() > 0 for gradient in gradients),
            f"{self.name}: the gradient at the critic's parameters is 0; let the loss depend on critic.logits(…) or "
            "on logits",
        )
        for gradient in gradients:
            finite(
                self.name, gradient, "the gradient at the critic", "add a small number below roots, norms and divisions"
            )

    def test_views_of_one_channel(self) -> None:
        seen = views()
        gray = replace(seen, real=seen.real.mean(1, keepdim=True), fake=seen.fake.mean(1, keepdim=True))
        asked = critic(1)
        tried(
            f"{self.name} fails on views of one channel, as gray patches have",
            lambda: self._of(self.make(), asked, gray),
        )

    def test_the_input_is_left_as_it_is(self) -> None:
        seen = views()
        before = {"views.real": seen.real.clone(), "views.fake": seen.fake.clone()}
        self._of(self.make(), critic(), seen)
        unchanged(self.name, before, {"views.real": seen.real, "views.fake": seen.fake})

    def test_the_critic_keeps_its_mode_and_its_weights(self) -> None:
        asked, seen = critic(), views()
        before = {key: tensor.clone() for key, tensor in asked.net.state_dict().items()}
        self._of(self.make(), asked, seen)
        expect(asked.net.training, f"{self.name} leaves the critic in eval mode; put it back")
        frozen = [key for key, parameter in asked.net.named_parameters() if not parameter.requires_grad]
        expect(not frozen, f"{self.name} leaves the critic's parameters frozen ({frozen[:1]}); put them back")
        expect(
            all(torch.equal(tensor, asked.net.state_dict()[key]) for key, tensor in before.items()),
            f"{self.name} changes the critic's weights; that is the optimizer's work",
        )

    def test_cost(self) -> None:
        part, asked, seen = self.make(), critic(), views(size=96)
        print_cost(self.name, lambda: self._of(part, asked, seen), "8 patches of 96x96, forwards, critic included")


class GeneratorLossTests(LossTests):
    """`class TestMyLoss(GeneratorLossTests): factory = MyLoss`."""

    kind = "generator_losses"
    rng = "step.rng"

    def loss(self, part: Any = None, step: int = 3, device: torch.device = _CPU) -> Tensor:
        __tracebackhide__ = True
        return self._of(part or self.make(), step_of(step, device=device))

    def _of(self, part: Any, step: Step) -> Tensor:
        __tracebackhide__ = True
        return tried(f"{self.name} fails", part, step)

    def test_the_generator_learns_by_it(self) -> None:
        step = step_of()
        loss = self._of(self.make(), step)
        expect(
            loss.requires_grad,
            f"{self.name}: no gradient flows to the fake; compute the loss from step.fake, not from a detached copy",
        )
        skip_unless(loss.ndim == 0, "it is no scalar")
        loss.backward()  # type: ignore[no-untyped-call]
        expect(
            step.fake.grad is not None and step.fake.grad.abs().sum() > 0,
            f"{self.name}: the gradient at the fake is 0, so the generator learns nothing; comparisons and rounding "
            "have none",
        )
        assert step.fake.grad is not None
        finite(
            self.name, step.fake.grad, "the gradient at the fake", "add a small number below roots, norms and divisions"
        )

    def test_a_fake_that_is_its_photo_has_a_finite_loss_and_gradient(self) -> None:
        """So begin generators that leave the photo as it is."""
        step = step_of()
        step = replace(step, fake=step.batch.photo.clone().requires_grad_())
        loss = self._of(self.make(), step)
        finite(self.name, loss, "the loss of the photo itself", "add a small number below roots and divisions")
        skip_unless(loss.ndim == 0 and loss.requires_grad, "no gradient flows")
        loss.backward()  # type: ignore[no-untyped-call]
        if step.fake.grad is not None:
            advice = "the root of a distance has no gradient at 0; add a small number below it"
            finite(self.name, step.fake.grad, "the gradient at a fake that is its photo", advice)

    def test_a_batch_of_one_and_images_that_are_not_square(self) -> None:
        for count, height, width in ((1, 64, 64), (2, 48, 64)):
            step = step_of(count=count, height=height, width=width)
            loss = tried(f"{self.name} fails on {count} images of {height}x{width}", self.make(), step)
            finite(self.name, loss, f"the loss of {count} images of {height}x{width}", "guard divisions")

    def test_the_size_of_the_batch_does_not_matter(self) -> None:
        few = step_of()
        many = replace(
            few,
            batch=Batch(few.batch.photo.repeat(3, 1, 1, 1), few.batch.cartoon.repeat(3, 1, 1, 1)),
            fake=few.fake.detach().repeat(3, 1, 1, 1).requires_grad_(),
            rng=rng(0, "loss", 3),
        )
        losses = [self._of(self.make(), step).detach() for step in (few, many)]
        skip_unless(all(loss.ndim == 0 for loss in losses), "it is no scalar")
        one, three = map(float, losses)
        expect(
            abs(one - three) <= 0.05 * max(abs(one), 1e-6),
            f"{self.name}: the same images three times over give {three:.4g} instead of {one:.4g}; take means over "
            "the batch",
        )

    def test_the_input_is_left_as_it_is(self) -> None:
        step = step_of()
        inside = {"step.fake": step.fake, "batch.photo": step.batch.photo, "batch.cartoon": step.batch.cartoon}
        before = {key: tensor.detach().clone() for key, tensor in inside.items()}
        self._of(self.make(), step)
        unchanged(self.name, before, inside)

    def test_cost(self) -> None:
        part, step = self.make(), step_of(count=1, height=256, width=256)
        print_cost(self.name, lambda: self._of(part, step), "an image of 256x256, forwards, features included")


@dataclass(frozen=True)
class Asked:
    """What a discriminator loss may use of its critic."""

    net: nn.Module
    objective: Objective
    name: str = "patch"

    def logits(self, images: Tensor, /) -> Tensor:
        return self.net(images)


@dataclass(frozen=True)
class _LeastSquares(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return (logits - 1).square().mean()

    def fake(self, logits: Tensor) -> Tensor:
        return logits.square().mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return (fake_logits - 1).square().mean()


def critic(channels: int = 3, device: torch.device = _CPU) -> Asked:
    """A small critic; smooth, so that it can be differentiated twice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(channels, 4, 3, stride=2, padding=1), nn.Softplus(), nn.Conv2d(4, 1, 3, stride=2, padding=1)
        )
    return Asked(net.to(device), _LeastSquares())


def views(step: int = 3, size: int = 32, device: torch.device = _CPU) -> Views:
    """Detached views, as a critic's losses get them."""
    seen = inputs.on(device, inputs.views(4, size, size, step))
    return replace(seen, fake=seen.fake.detach())


class _Edges(nn.Module):
    """Stands in for the recipe's features: differences of neighbours at a quarter of the size."""

    def forward(self, images: Tensor) -> Tensor:
        small = nn.functional.avg_pool2d(images, 4, ceil_mode=True)
        return torch.cat([small, small.roll(1, 2) - small, small.roll(1, 3) - small], dim=1)


def step_of(
    number: int = 3,
    count: int = 2,
    height: int = inputs.SIZE,
    width: int = inputs.SIZE,
    device: torch.device = _CPU,
) -> Step:
    """Everything that a generator loss may use; the gradient is taken at the fake."""
    seen = inputs.on(device, inputs.views(count, height, width, number))
    assert seen.context is not None
    fake = seen.fake.clone().requires_grad_()
    net = inputs.Critic().to(device)
    return Step(
        batch=Batch(seen.context.photo, seen.real),
        fake=fake,
        views={"image": replace(seen, fake=fake)},
        fake_logits={"image": net(fake)},
        features=Features(_Edges()),
        rng=rng(0, "loss", number),
    )
