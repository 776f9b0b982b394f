"""Tests of losses of critics and of the generator."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from toonlab.engine.gan import CriticHandle
from toonlab.registry.protocols import Objective
from toonlab.types import Batch, Features, Logits, Step
from toonlab.utils.rng import rng

from . import inputs
from .assertions import backward, equal, skip
from .tensors import TensorTests


class LossTests(TensorTests):
    """Tests of what gives one number."""

    on_a_gpu = "make tensors on the images' device, and move there what was drawn"
    tolerance = 1e-2
    rng: ClassVar[str]

    def loss(self, given: Any = None, part: Any = None) -> Tensor:
        __tracebackhide__ = True
        given = self.given() if given is None else given
        return self.tried("fails", self.outputs, part or self.make(), given)["losses"]

    def test_it_is_a_finite_scalar(self) -> None:
        self.scalar(self.loss(), "the loss")

    def test_the_same_step_gives_the_same_loss(self) -> None:
        part = self.make()
        same = equal(self.loss(part=part), self.loss(part=part))
        self.expect(same, f"losses differ between two calls; what is drawn must depend on {self.rng} alone")

    def test_only_the_steps_generator_is_drawn_from(self) -> None:
        self.draws_only_from(self.rng, lambda: [self.loss()])


class DiscriminatorLossTests(LossTests):
    """`class TestMyLoss(DiscriminatorLossTests): factory = MyLoss`."""

    kind = "discriminator_losses"
    rng = "views.context.rng"

    def given(
        self, size: int = 32, channels: int = 3, step: int = 3, device: torch.device = inputs.CPU
    ) -> dict[str, Any]:
        """A small critic, and detached views as a critic's losses get them."""
        seen = inputs.views(4, size, size, step, device)
        real, fake = (images[:, :channels].detach() for images in (seen.real, seen.fake))
        return {"critic": _critic(channels, device), "views": replace(seen, real=real, fake=fake)}

    def outputs(self, part: Any, given: Mapping[str, Any]) -> Mapping[str, Tensor]:
        asked, seen = given["critic"], given["views"]
        return {"losses": part(asked, seen, Logits(asked.net(seen.real), asked.net(seen.fake)))}

    def test_the_critic_learns_by_it(self) -> None:
        given = self.given()
        loss = self.loss(given)
        self.expect(loss.requires_grad, "no gradient flows to the critic; let the loss depend on its logits")
        backward(loss)
        parameters = list(given["critic"].net.parameters())
        reached = any(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters)
        text = "the gradient at the critic's parameters is 0; let the loss depend on critic.logits(…) or on logits"
        self.expect(reached, text)
        for parameter in parameters:
            self.finite_gradient(parameter, "the critic")

    def test_views_of_one_channel(self) -> None:
        text = "fails on views of one channel, as gray patches have"
        self.tried(text, self.outputs, self.make(), self.given(channels=1))

    def test_the_critic_keeps_its_mode_and_its_weights(self) -> None:
        given = self.given()
        net = given["critic"].net
        before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
        self.loss(given)
        self.expect(net.training, "leaves the critic in eval mode; put it back")
        frozen = [key for key, parameter in net.named_parameters() if not parameter.requires_grad]
        self.expect(not frozen, f"leaves the critic's parameters frozen ({frozen[:1]}); put them back")
        same = all(torch.equal(tensor, net.state_dict()[key]) for key, tensor in before.items())
        self.expect(same, "changes the critic's weights; that is the optimizer's work")

    def test_cost(self) -> None:
        part, given = self.make(), self.given(96)
        self.print_cost(lambda: self.loss(given, part), "8 patches of 96x96, forwards, critic included")


class GeneratorLossTests(LossTests):
    """`class TestMyLoss(GeneratorLossTests): factory = MyLoss`."""

    kind = "generator_losses"
    rng = "step.rng"

    def given(self, step: int = 3, device: torch.device = inputs.CPU, **sizes: int) -> Step:
        """Everything that a generator loss may use; the gradient is taken at the fake."""
        seen = inputs.views(**sizes, step=step, device=device)
        assert seen.context is not None
        fake = seen.fake.clone().requires_grad_()
        return Step(
            batch=Batch(seen.context.photo, seen.real),
            fake=fake,
            views={"image": replace(seen, fake=fake)},
            fake_logits={"image": seen.context.critic(fake)},
            features=Features(_edges),
            rng=rng(0, "loss", step),
            encoder=encoded,
        )

    def injected(self) -> Mapping[str, Any]:
        taken = inspect.signature(self.build).parameters
        return {"channels_at": channels_at} if "channels_at" in taken else {}

    def outputs(self, part: Any, given: Step) -> Mapping[str, Tensor]:
        return {"losses": part(given)}

    def test_the_generator_learns_by_it(self) -> None:
        step = self.given()
        flow = "to the fake; compute the loss from step.fake, not from a detached copy"
        self.gradient(self.loss(step), step.fake, flow, "the fake")

    def test_a_fake_that_is_its_photo_has_a_finite_loss_and_gradient(self) -> None:
        """So begin generators that leave the photo as it is."""
        step = self.given()
        step = replace(step, fake=step.batch.photo.clone().requires_grad_())
        loss = self.loss(step)
        self.finite(loss, "the loss of the photo itself", "add a small number below roots and divisions")
        if not loss.requires_grad:
            skip("no gradient flows, as another test says")
        backward(loss)
        advice = "the root of a distance has no gradient at 0; add a small number below it"
        self.finite_gradient(step.fake, "a fake that is its photo", advice)

    def test_a_batch_of_one_and_images_that_are_not_square(self) -> None:
        for count, height, width in ((1, 64, 64), (2, 48, 64)):
            what = f"{count} images of {width}x{height}"
            loss = self.tried(
                f"fails on {what}", self.outputs, self.make(), self.given(count=count, height=height, width=width)
            )["losses"]
            self.finite(loss, f"the loss of {what}", "guard divisions")

    def test_the_size_of_the_batch_does_not_matter(self) -> None:
        few = self.given()
        many = replace(
            few,
            batch=Batch(few.batch.photo.repeat(3, 1, 1, 1), few.batch.cartoon.repeat(3, 1, 1, 1)),
            fake=few.fake.detach().repeat(3, 1, 1, 1).requires_grad_(),
            rng=rng(0, "loss", 3),
        )
        losses = [self.loss(step).detach() for step in (few, many)]
        if any(loss.ndim for loss in losses):
            skip("it is no scalar, as another test says")
        one, three = map(float, losses)
        text = f"the same images three times over give {three:.4g} instead of {one:.4g}; take means over the batch"
        self.expect(abs(one - three) <= 0.05 * max(abs(one), 1e-6), text)

    def test_cost(self) -> None:
        part, step = self.make(), self.given(count=1, height=256, width=256)
        self.print_cost(lambda: self.loss(step, part), "an image of 256x256, forwards, features included")


@dataclass(frozen=True)
class _LeastSquares(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return (logits - 1).square().mean()

    def fake(self, logits: Tensor) -> Tensor:
        return logits.square().mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return self.real(fake_logits)


def _critic(channels: int, device: torch.device) -> CriticHandle:
    """A small critic; smooth, so that it can be differentiated twice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first, last = nn.Conv2d(channels, 4, 3, stride=2, padding=1), nn.Conv2d(4, 1, 3, stride=2, padding=1)
    net = nn.Sequential(first, nn.Softplus(), last).to(device)
    return CriticHandle("patch", net, _LeastSquares(), net)


def channels_at(layers: Sequence[int]) -> list[int]:
    """Those of `encoded`."""
    return [9 if layer else 3 for layer in layers]


def encoded(images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
    """In place of a generator's features: layer 0 is the images, all others are the same."""
    return tuple(_edges(images) if layer else images for layer in layers)


def _edges(images: Tensor) -> Tensor:
    """In place of the recipe's features: differences of neighbours at a quarter of the size."""
    small = nn.functional.avg_pool2d(images, 4, ceil_mode=True)
    return torch.cat([small, small.roll(1, 2) - small, small.roll(1, 3) - small], dim=1)
