"""Tests of view transforms: what samplers and representations have in common, and those of representations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from toonlab.types import Views

from . import inputs
from .assertions import backward, equal, skip
from .tensors import ImageTests

_RNG = "views.context.rng"
_HALF = 0.05  # of the range: bfloat16 has 8 bits
_REPLACE = "return dataclasses.replace(views, real=…, fake=…)"


def images_of(views: Views) -> dict[str, Tensor]:
    return {"real": views.real, "fake": views.fake}


def boxes_of(views: Views) -> dict[str, Tensor]:
    """Those that are there."""
    boxes = {"real": views.real_boxes, "fake": views.fake_boxes}
    return {side: found for side, found in boxes.items() if found is not None}


class ViewTests(ImageTests):
    """Tests of a `(Views) -> Views`."""

    oblong = ((48, 80), (80, 48))

    def given(self, **sizes: Any) -> Views:
        return inputs.views(**sizes)

    def distinct(self, device: torch.device) -> Views:
        return inputs.noisy(self.given(device=device))

    def see(self, given: Views | None = None, part: Any = None) -> Views:
        """What the part makes of it."""
        __tracebackhide__ = True
        seen = (part or self.make())(self.given() if given is None else given)
        self.expect(isinstance(seen, Views), f"returns {type(seen).__name__}; {_REPLACE}")
        return seen

    def outputs(self, part: Any, given: Views) -> Mapping[str, Tensor]:
        return {f"{side} views": images for side, images in images_of(self.see(given, part)).items()}

    def test_shapes_are_those_of_views(self) -> None:
        seen = self.see()
        for side, images in images_of(seen).items():
            ok = isinstance(images, Tensor) and images.ndim == 4 and images.is_floating_point() and images.numel()
            got = f"{tuple(images.shape)} {images.dtype}" if isinstance(images, Tensor) else type(images).__name__
            self.expect(ok, f"views.{side} is {got}, expected (N, C, H, W) float with N > 0")
        real, fake = seen.real.shape[1], seen.fake.shape[1]
        text = f"real views have {real} channels, fake ones {fake}; the critic tells them apart by it"
        self.expect(real == fake, text)

    def test_values_lie_in_the_range_that_is_told(self) -> None:
        seen = self.see()
        low, high = seen.value_range
        for side, images in images_of(seen).items():
            self.finite(images, f"{side} views", "guard divisions and roots of 0")
            least, most = float(images.min()), float(images.max())
            self.expect(
                least >= low - 1e-4 and most <= high + 1e-4,
                f"{side} views have values from {least:.4g} to {most:.4g}, and value_range says {low:g} to {high:g}; "
                "return replace(views, …, value_range=(low, high))",
            )

    def test_the_context_is_carried_along(self) -> None:
        given = self.given()
        text = "drops views.context; return dataclasses.replace(views, …) instead of a new Views"
        self.expect(self.see(given).context is given.context, text)

    def test_the_same_key_gives_the_same_choice(self) -> None:
        part = self.make()
        first, second = self.see(None, part), self.see(None, part)
        cause = f"what is drawn must depend on {_RNG} alone, and nothing may be kept from call to call"
        for name in ("real_boxes", "fake_boxes", "real", "fake"):
            same = equal(getattr(first, name), getattr(second, name))
            self.expect(same, f"views.{name} differ between two calls; {cause}")

    def test_only_the_contexts_generator_is_drawn_from(self) -> None:
        self.draws_only_from(_RNG, lambda: list(images_of(self.see()).values()))

    def test_gradients_reach_the_pixels_and_are_finite(self) -> None:
        given = self.given()
        fake = given.fake.clone().requires_grad_()
        flow = (
            "from fake views to fakes, so the generator learns nothing; cut the images themselves, not detached ones, "
            "and outside of torch.no_grad"
        )
        self.gradient(self.see(replace(given, fake=fake)).fake, fake, flow, "the fakes")

    def test_gradients_of_a_constant_image_are_finite(self) -> None:
        given = self.given()
        fake = torch.zeros_like(given.fake).requires_grad_()
        seen = self.see(replace(given, fake=fake)).fake
        if not seen.requires_grad:
            skip("no gradient flows, as another test says")
        backward(seen)
        self.finite_gradient(fake, "constant fakes")

    def test_bfloat16_gives_nearly_what_float32_gives(self) -> None:
        given = self.given()
        half = replace(given, real=given.real.bfloat16(), fake=given.fake.bfloat16())
        rounded = replace(self.given(), real=half.real.float(), fake=half.fake.float())
        advice = "in float32 (toonlab.ops.filters.full_precision)"
        seen = self.tried(f"fails on bfloat16 images; compute inside {advice}", self.see, half)
        exact = self.see(rounded)
        for side, images in images_of(seen).items():
            if not equal(boxes_of(seen).get(side), boxes_of(exact).get(side)):
                continue  # another choice: scores that are nearly equal
            off = float((images.float() - images_of(exact)[side]).abs().mean())
            share = off / (exact.value_range[1] - exact.value_range[0])
            text = f"{side} views of bfloat16 images are off by {100 * share:.0f} % of the range; sum and divide"
            self.expect(share < _HALF, f"{text} {advice}")


class RepresentationTests(ViewTests):
    """`class TestMyRepresentation(RepresentationTests): factory = MyRepresentation`."""

    kind = "representations"

    def given(self, **sizes: Any) -> Views:
        return inputs.views(**sizes) if "height" in sizes else inputs.patches(**sizes)

    def test_there_is_one_view_for_each_patch(self) -> None:
        given = self.given()
        for side, images in images_of(self.see(given)).items():
            patches = len(images_of(given)[side])
            text = (
                f"{len(images)} {side} views of {patches} patches; a representation changes what is seen, and a sampler"
            )
            self.expect(patches == len(images), f"{text} what is chosen")

    def test_boxes_are_carried_along(self) -> None:
        given = self.given()
        seen = boxes_of(self.see(given))
        for side, boxes in boxes_of(given).items():
            self.expect(equal(boxes, seen.get(side)), f"drops or changes {side}_boxes; {_REPLACE}")

    def test_cost(self) -> None:
        given, part = inputs.views(8, 96, 96), self.make()
        self.print_cost(lambda: self.see(given, part), "both sides of 8 patches of 96x96")
