"""Tests of objectives."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from toonlab.registry.protocols import Objective
from toonlab.types import Logits

from . import inputs
from .tensors import TensorTests


class ObjectiveTests(TensorTests):
    """`class TestMyObjective(ObjectiveTests): factory = MyObjective`."""

    kind = "objectives"
    methods = ("real", "fake", "generator", "critic")
    advice = "derive it from toonlab.Objective"
    on_a_gpu = "make tensors on the logits' device (torch.zeros_like)"

    def given(
        self,
        real: tuple[int, ...] = (4, 1, 3, 5),
        fake: tuple[int, ...] | None = None,
        scale: float = 1.0,
        step: int = 0,
        device: torch.device = inputs.CPU,
    ) -> Logits:
        draws = torch.Generator().manual_seed(step)
        return Logits(*(scale * torch.randn(shape, generator=draws).to(device) for shape in (real, fake or real)))

    def terms(self, part: Objective) -> Mapping[str, Callable[[Logits], Tensor]]:
        """The losses of both sides."""
        return {"critic": part.critic, "generator": lambda logits: part.generator(logits.fake)}

    def outputs(self, part: Objective, given: Logits) -> Mapping[str, Tensor]:
        return {name: term(given) for name, term in self.terms(part).items()}

    def test_losses_are_finite_scalars_for_logits_of_any_shape(self) -> None:
        for shape in ((4, 1), (4, 1, 3, 5), (1, 1, 2, 2)):
            for name, term in self.terms(self.make()).items():
                loss = self.tried(f"{name} fails on logits {shape}", term, self.given(shape))
                self.scalar(loss, f"{name} of logits {shape}")

    def test_real_and_fake_views_may_differ_in_number(self) -> None:
        """A sampler may choose more patches on one side."""
        text = "critic fails with 6 real and 4 fake logits; reduce each side by itself"
        loss = self.tried(text, self.make().critic, self.given((6, 1), (4, 1)))
        self.scalar(loss, "critic of 6 and 4 logits")

    def test_the_number_of_logits_does_not_matter(self) -> None:
        objective, few = self.make(), self.given((2, 1, 4, 4))
        many = Logits(few.real.repeat(3, 1, 2, 2), few.fake.repeat(3, 1, 2, 2))
        off = max(float((term(few) - term(many)).abs()) for term in self.terms(objective).values())
        self.expect(off < 1e-4, f"the same logits several times over give another loss (by {off:.2g}); take means")

    def test_the_critic_wants_real_logits_above_fake_ones(self) -> None:
        real, fake = self._slopes(self.make().critic)
        self.expect(
            real <= 0 <= fake and real < fake,
            "where real and fake logits are alike, critic(logits) does not fall as real ones rise and fake ones fall; "
            "swap the sides, or a sign",
        )

    def test_the_generator_wants_fake_logits_higher(self) -> None:
        _, fake = self._slopes(self.terms(self.make())["generator"])
        text = "generator(fake_logits) does not fall as fake logits rise; its sign is that of the critic's, it seems"
        self.expect(fake < 0, text)

    def _slopes(self, term: Callable[[Logits], Tensor]) -> tuple[float, float]:
        """How a loss changes with real and with fake logits, where all are 0."""
        real, fake = (torch.zeros(4, 1, requires_grad=True) for _ in range(2))
        term(Logits(real, fake)).backward()  # type: ignore[no-untyped-call]
        slopes = (0.0 if side.grad is None else float(side.grad.sum()) for side in (real, fake))
        return next(slopes), next(slopes)

    def test_large_logits_give_finite_losses_and_gradients(self) -> None:
        advice = "use logsigmoid or softplus, not log(sigmoid)"
        for scale in (1e2, 1e4):
            logits = self.given(scale=scale)
            sides = [logits.real.requires_grad_(), logits.fake.requires_grad_()]
            loss = torch.stack(list(self.outputs(self.make(), logits).values())).sum()
            self.finite(loss, f"the loss of logits around {scale:g}", advice)
            loss.backward()  # type: ignore[no-untyped-call]
            for side in sides:
                self.finite_gradient(side, f"logits around {scale:g}", advice)

    def test_bfloat16_logits_give_nearly_what_float32_ones_give(self) -> None:
        given = self.given()
        half = Logits(given.real.bfloat16(), given.fake.bfloat16())
        rounded = Logits(half.real.float(), half.fake.float())
        advice = "compute in float32 inside (logits.float())"
        for name, term in self.terms(self.make()).items():
            exact = float(term(rounded))
            rough = float(self.tried(f"{name} fails on bfloat16 logits; {advice}", term, half))
            off = abs(rough - exact) / max(1.0, abs(exact))
            self.expect(off < 0.05, f"{name} of bfloat16 logits is off by {100 * off:.0f} %; {advice}")

    def test_nothing_is_drawn_from_the_global_generator(self) -> None:
        source = "none: an objective has no chance in it"
        self.draws_only_from(source, lambda: list(self.outputs(self.make(), self.given()).values()))

    def test_cost(self) -> None:
        objective, logits = self.make(), self.given((4, 1, 64, 64))
        self.print_cost(lambda: self.outputs(objective, logits), "8 maps of 64x64 logits, both sides")
