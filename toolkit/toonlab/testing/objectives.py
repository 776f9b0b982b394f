"""Tests of objectives."""

from __future__ import annotations

import torch
from torch import Tensor

from toonlab.registry.protocols import Objective
from toonlab.types import Logits

from .frame import PartTests, expect, finite, goes_on, gpu, no_global_draws, print_cost, tried

_SHAPES = ((4, 1), (4, 1, 3, 5), (1, 1, 2, 2))


class ObjectiveTests(PartTests):
    """`class TestMyObjective(ObjectiveTests): factory = MyObjective`."""

    kind = "objectives"

    def objective(self) -> Objective:
        __tracebackhide__ = True
        made = self.make()
        missing = [term for term in ("real", "fake", "generator", "critic") if not callable(getattr(made, term, None))]
        expect(not missing, f"{self.name} has no {', '.join(missing)}; derive it from toonlab.Objective")
        return made

    def logits(self, shape: tuple[int, ...] = (4, 1, 3, 5), scale: float = 1.0) -> Logits:
        draws = torch.Generator().manual_seed(0)
        return Logits(*(scale * torch.randn(shape, generator=draws) for _ in range(2)))

    def test_losses_are_finite_scalars_for_logits_of_any_shape(self) -> None:
        objective = self.objective()
        for shape in _SHAPES:
            logits = self.logits(shape)
            for name, argument in (("critic", logits), ("generator", logits.fake)):
                loss = tried(f"{self.name}: {name} fails on logits {shape}", getattr(objective, name), argument)
                self._scalar(loss, f"{name} of logits {shape}")

    def test_real_and_fake_views_may_differ_in_number(self) -> None:
        """A sampler may choose more patches on one side."""
        logits = Logits(self.logits((6, 1)).real, self.logits((4, 1)).fake)
        text = f"{self.name}: critic fails with 6 real and 4 fake logits; reduce each side by itself"
        self._scalar(tried(text, lambda: self.objective().critic(logits)), "critic of 6 and 4 logits")

    def test_the_number_of_logits_does_not_matter(self) -> None:
        objective, few = self.objective(), self.logits((2, 1, 4, 4))
        many = Logits(few.real.repeat(3, 1, 2, 2), few.fake.repeat(3, 1, 2, 2))
        off = float((objective.critic(few) - objective.critic(many)).abs())
        off = max(off, float((objective.generator(few.fake) - objective.generator(many.fake)).abs()))
        expect(
            off < 1e-4, f"{self.name}: the same logits several times over give another loss (by {off:.2g}); take means"
        )

    def test_the_critic_wants_real_logits_above_fake_ones(self) -> None:
        loss, real, fake = self._at(gap=0.0)
        loss.backward()  # type: ignore[no-untyped-call]
        assert real.grad is not None
        assert fake.grad is not None
        expect(
            real.grad.sum() <= 0 <= fake.grad.sum() and real.grad.sum() < fake.grad.sum(),
            f"{self.name}: where real and fake logits are alike, critic(logits) does not fall as real ones rise and "
            "fake ones fall; swap the sides, or a sign",
        )

    def test_the_generator_wants_fake_logits_higher(self) -> None:
        fake = torch.zeros(4, 1, requires_grad=True)
        self.objective().generator(fake).backward()  # type: ignore[no-untyped-call]
        assert fake.grad is not None
        expect(
            fake.grad.sum() < 0,
            f"{self.name}: generator(fake_logits) does not fall as fake logits rise; its sign is that of the "
            "critic's, it seems",
        )

    def test_large_logits_give_finite_losses_and_gradients(self) -> None:
        for scale in (1e2, 1e4):
            logits = self.logits(scale=scale)
            real, fake = logits.real.requires_grad_(), logits.fake.requires_grad_()
            objective = self.objective()
            loss = objective.critic(Logits(real, fake)) + objective.generator(fake)
            finite(
                self.name, loss, f"the loss of logits around {scale:g}", "use logsigmoid or softplus, not log(sigmoid)"
            )
            loss.backward()  # type: ignore[no-untyped-call]
            for gradient in (real.grad, fake.grad):
                assert gradient is not None
                finite(self.name, gradient, f"the gradient at logits around {scale:g}", "use logsigmoid or softplus")

    def test_bfloat16_logits_give_nearly_what_float32_ones_give(self) -> None:
        rounded, objective = self.logits().real.bfloat16(), self.objective()
        for name, exact in self._terms(rounded.float()).items():
            text = f"{self.name}: {name} fails on bfloat16 logits; compute in float32 inside (logits.float())"
            half = tried(text, lambda: self._terms(rounded, objective))[name]
            off = float((half.float() - exact).abs()) / max(1.0, abs(float(exact)))
            expect(
                off < 0.05,
                f"{self.name}: {name} of bfloat16 logits is off by {100 * off:.0f} %; compute in float32 inside "
                "(logits.float())",
            )

    def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened(self) -> None:
        logits = self.logits().real
        goes_on(self.name, self.objective, lambda objective, step: [*self._terms(logits + step, objective).values()])

    def test_the_cpu_and_the_gpu_agree(self) -> None:
        device, logits = gpu(), self.logits().real
        here = self._terms(logits)
        text = f"{self.name} fails on a GPU; make tensors on the logits' device (torch.zeros_like)"
        there = tried(text, lambda: self._terms(logits.to(device)))
        for name, loss in there.items():
            off = float((loss.cpu() - here[name]).abs())
            expect(off < 1e-3 * max(1.0, abs(float(here[name]))), f"{self.name}: {name} on a GPU differs by {off:.2g}")

    def test_nothing_is_drawn_from_the_global_generator(self) -> None:
        with no_global_draws(self.name, "none: an objective has no chance in it"):
            self.objective().critic(self.logits())

    def test_cost(self) -> None:
        objective, logits = self.objective(), self.logits((8, 1, 64, 64)).real
        print_cost(self.name, lambda: self._terms(logits, objective), "8 maps of 64x64 logits, both sides")

    def _terms(self, logits: Tensor, objective: Objective | None = None) -> dict[str, Tensor]:
        """Both sides' losses; half of the logits are of real views."""
        objective = objective or self.objective()
        real, fake = logits.chunk(2)
        return {"critic": objective.critic(Logits(real, fake)), "generator": objective.generator(fake)}

    def _at(self, gap: float) -> tuple[Tensor, Tensor, Tensor]:
        real = torch.full((4, 1), gap, requires_grad=True)
        fake = torch.zeros(4, 1, requires_grad=True)
        return self.objective().critic(Logits(real, fake)), real, fake

    def _scalar(self, loss: Tensor, what: str) -> None:
        __tracebackhide__ = True
        expect(
            isinstance(loss, Tensor) and loss.ndim == 0,
            f"{self.name}: {what} is {tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__}, "
            "expected a scalar tensor; take the mean",
        )
        finite(self.name, loss, what, "guard logarithms and divisions")
