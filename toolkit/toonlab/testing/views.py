"""Tests of view transforms: what samplers and representations have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from toonlab.types import Views

from . import inputs
from .frame import (
    PartTests,
    expect,
    finite,
    goes_on,
    gpu,
    independent_of_global_seeds,
    no_global_draws,
    same_twice,
    skip_unless,
    traced,
    tried,
    unchanged,
)

SIDES = ("real", "fake")
_HALF = 0.05  # of the range: bfloat16 has 8 bits
RNG = "views.context.rng"


def images_of(views: Views, side: str) -> Tensor:
    found: Tensor = getattr(views, side)
    return found


def boxes_of(views: Views, side: str) -> Tensor | None:
    found: Tensor | None = getattr(views, f"{side}_boxes")
    return found


class ViewTests(PartTests):
    """Tests of a `(Views) -> Views`."""

    def given(self, **sizes: Any) -> Views:
        """What it gets."""
        raise NotImplementedError

    def see(self, given: Views | None = None, part: Any = None) -> Views:
        """What it makes of it."""
        __tracebackhide__ = True
        seen = (part or self.make())(self.given() if given is None else given)
        expect(
            isinstance(seen, Views),
            f"{self.name} returns {type(seen).__name__}; return dataclasses.replace(views, real=…, fake=…)",
        )
        return seen

    def test_shapes_are_those_of_views(self) -> None:
        seen = self.see()
        for side in SIDES:
            images = images_of(seen, side)
            ok = isinstance(images, Tensor) and images.ndim == 4 and images.is_floating_point() and images.numel()
            got = f"{tuple(images.shape)} {images.dtype}" if isinstance(images, Tensor) else type(images).__name__
            expect(ok, f"{self.name}: views.{side} is {got}, expected (N, C, H, W) float with N > 0")
        expect(
            seen.real.shape[1] == seen.fake.shape[1],
            f"{self.name}: real views have {seen.real.shape[1]} channels, fake ones {seen.fake.shape[1]}; the critic "
            "tells them apart by it",
        )

    def test_values_lie_in_the_range_that_is_told(self) -> None:
        seen = self.see()
        low, high = seen.value_range
        for side in SIDES:
            images = images_of(seen, side)
            finite(self.name, images, f"{side} views", "guard divisions and roots of 0")
            least, most = float(images.min()), float(images.max())
            expect(
                least >= low - 1e-4 and most <= high + 1e-4,
                f"{self.name}: {side} views have values from {least:.4g} to {most:.4g}, and value_range says {low:g} "
                f"to {high:g}; return replace(views, …, value_range=(low, high))",
            )

    def test_the_context_is_carried_along(self) -> None:
        given = self.given()
        expect(
            self.see(given).context is given.context,
            f"{self.name} drops views.context; return dataclasses.replace(views, …) instead of a new Views",
        )

    def test_the_same_key_gives_the_same_choice(self) -> None:
        part, given = self.make(), self.given()
        first, second = self.see(given, part), self.see(inputs.again(given), part)
        cause = f"what is drawn must depend on {RNG} alone, and nothing may be kept from call to call"
        for side in SIDES:
            same_twice(self.name, boxes_of(first, side), boxes_of(second, side), f"{side}_boxes", cause)
            same_twice(self.name, images_of(first, side), images_of(second, side), f"{side} views", cause)

    def test_only_the_contexts_generator_is_drawn_from(self) -> None:
        with no_global_draws(self.name, RNG):
            self.see()
        independent_of_global_seeds(self.name, lambda: _both(self.see()), RNG)

    def test_gradients_reach_the_pixels_and_are_finite(self) -> None:
        given = self.given()
        fake = given.fake.clone().requires_grad_()
        seen = self.see(replace(given, fake=fake))
        expect(
            seen.fake.requires_grad,
            f"{self.name}: no gradient flows from fake views to fakes, so the generator learns nothing; cut the images "
            f"themselves, not detached ones, and outside of torch.no_grad",
        )
        generator = torch.Generator().manual_seed(0)
        (seen.fake * torch.randn(seen.fake.shape, generator=generator)).sum().backward()  # type: ignore[no-untyped-call]
        expect(
            fake.grad is not None and fake.grad.abs().sum() > 0,
            f"{self.name}: the gradient at the fakes is 0 everywhere; rounding and comparisons have no gradient",
        )
        assert fake.grad is not None
        finite(self.name, fake.grad, "the gradient at the fakes", "guard roots, divisions and logarithms near 0")

    def test_gradients_of_a_constant_image_are_finite(self) -> None:
        given = self.given()
        fake = torch.zeros_like(given.fake).requires_grad_()
        seen = self.see(replace(given, fake=fake)).fake
        skip_unless(seen.requires_grad, "no gradient flows")
        seen.sum().backward()  # type: ignore[no-untyped-call]
        if fake.grad is not None:
            finite(
                self.name, fake.grad, "the gradient at constant fakes", "add a small number below roots and divisions"
            )

    def test_bfloat16_gives_nearly_what_float32_gives(self) -> None:
        given = self.given()
        half = replace(given, real=given.real.bfloat16(), fake=given.fake.bfloat16())
        rounded = replace(given, real=half.real.float(), fake=half.fake.float())
        text = f"{self.name} fails on bfloat16 images; compute in float32 inside (toonlab.ops.filters.full_precision)"
        seen = tried(text, lambda: self.see(half))
        exact = self.see(inputs.again(rounded))
        low, high = exact.value_range
        for side in SIDES:
            one, other = boxes_of(seen, side), boxes_of(exact, side)
            if one is not None and other is not None and not torch.equal(one, other):
                continue  # another choice: scores that are nearly equal
            off = (images_of(seen, side).float() - images_of(exact, side)).abs().mean() / (high - low)
            expect(
                off < _HALF,
                f"{self.name}: {side} views of bfloat16 images are off by {100 * float(off):.0f} % of the range; sum "
                "and divide in float32 (toonlab.ops.filters.full_precision)",
            )

    def test_a_batch_of_one(self) -> None:
        seen = tried(f"{self.name} fails on a batch of one", lambda: self.see(self.given(count=1)))
        expect(len(seen.real) and len(seen.fake), f"{self.name}: a batch of one has no views")

    def test_images_that_are_not_square(self) -> None:
        for height, width in ((48, 80), (80, 48)):
            text = f"{self.name} fails on images of {height}x{width}; heights come before widths everywhere"
            tried(text, self.see, self.given(height=height, width=width))

    def test_the_input_is_left_as_it_is(self) -> None:
        given = self.given()
        assert given.context is not None
        inside = {"views.real": given.real, "views.fake": given.fake, "context.photo": given.context.photo}
        before = {key: tensor.clone() for key, tensor in inside.items()}
        self.see(given)
        unchanged(self.name, before, inside)

    def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened(self) -> None:
        goes_on(self.name, self.make, lambda part, step: _both(self.see(self.given(step=step), part)))

    def test_the_cpu_and_the_gpu_agree(self) -> None:
        device, given, part = gpu(), inputs.noisy(self.given()), self.make()
        on_gpu = inputs.on(device, given)
        here = self.see(given, part)
        part = part.to(device) if isinstance(part, torch.nn.Module) else part
        there = tried(f"{self.name} fails on a GPU; make tensors on the images' device", lambda: self.see(on_gpu, part))
        for side in SIDES:
            images = images_of(there, side)
            expect(
                images.device.type == device.type,
                f"{self.name}: {side} views of images on a GPU are on {images.device}",
            )
            same = images.shape == images_of(here, side).shape
            off = float((images.cpu() - images_of(here, side)).abs().max()) if same else float("inf")
            expect(off < 1e-3, f"{self.name}: {side} views on the GPU differ from those on the CPU by {off:.2g}")

    def test_it_works_under_torch_compile_or_says_that_it_does_not(self) -> None:
        part, given = self.make(), self.given()
        plain = self.see(inputs.again(given), part)
        compiled = traced(self.name, part, part.__call__ if not isinstance(part, torch.nn.Module) else part)
        text = f"{self.name} fails under torch.compile; mend it, or say so by a class attribute `compiles = False`"
        seen = tried(text, lambda: compiled(inputs.again(given)))
        for side in SIDES:
            off = float((images_of(seen, side) - images_of(plain, side)).abs().max())
            expect(off < 1e-4, f"{self.name}: {side} views differ by {off:.2g} under torch.compile")


def _both(seen: Views) -> tuple[Tensor, Tensor]:
    return seen.real, seen.fake
