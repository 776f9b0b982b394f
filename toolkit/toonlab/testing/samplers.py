"""Tests of samplers."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.ops.crop import crop
from toonlab.types import Views

from . import inputs
from .assertions import backward, equal, refused, skip
from .views import ViewTests, boxes_of, images_of


class SamplerTests(ViewTests):
    """`class TestMySampler(SamplerTests): factory = MySampler`, and `parameters` that suit pictures of 64x64."""

    kind = "samplers"
    sides = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

    def boxes(self, seen: Views) -> dict[str, Tensor]:
        return boxes_of(seen) or skip("it gives no boxes")

    def test_boxes_are_int64_with_five_columns_for_every_view(self) -> None:
        seen = self.see()
        for side, boxes in self.boxes(seen).items():
            count = len(images_of(seen)[side])
            self.expect(
                boxes.shape == (count, 5) and boxes.dtype == torch.int64,
                f"{side}_boxes are {tuple(boxes.shape)} {boxes.dtype} for {count} views; expected ({count}, 5) int64: "
                "image, top, left, height, width",
            )

    def test_boxes_lie_inside_the_image(self) -> None:
        for height, width in ((64, 64), (48, 80)):
            given = self.given(height=height, width=width)
            for side, boxes in self.boxes(self.see(given)).items():
                image, top, left, tall, wide = boxes.T
                count = len(images_of(given)[side])
                inside = (image >= 0) & (image < count) & (top >= 0) & (left >= 0) & (tall > 0) & (wide > 0)
                inside &= (top + tall <= height) & (left + wide <= width)
                wrong = boxes[~inside]
                self.expect(
                    len(wrong) == 0,
                    f"{len(wrong)} of {len(boxes)} {side}_boxes leave the {count} images of {width}x{height}, the "
                    f"first: {wrong[:1].tolist()} (image, top, left, height, width)",
                )

    def test_boxes_match_the_pixels(self) -> None:
        given = self.given()
        seen = self.see(given)
        for side, boxes in self.boxes(seen).items():
            for number, (box, view) in enumerate(zip(boxes, images_of(seen)[side], strict=True)):
                there = crop(images_of(given)[side], box[None])
                self.expect(
                    len(view) == there.shape[1],
                    f"{side} views have {len(view)} channels, the images 3; a sampler cuts, and a representation "
                    "changes colours",
                )
                same_size = there.shape[2:] == view.shape[1:]
                if not same_size:
                    there = F.interpolate(there, size=view.shape[1:], mode="bilinear", antialias=True)
                off = float((there[0] - view).abs().mean())
                self.expect(
                    off <= (1e-6 if same_size else 0.1),
                    f"{side} view {number} is not what its box {box.tolist()} shows (mean difference {off:.2g}); "
                    "return toonlab.crop(images, boxes) of the boxes that you give, or no boxes",
                )

    def test_an_image_as_small_as_allowed_works_and_smaller_ones_are_refused_with_advice(self) -> None:
        size = self.sides_that_fit()[0]
        smallest = self.see(self.given(height=size, width=size))
        self.expect(smallest.real.numel() and smallest.fake.numel(), f"no views of {size}x{size} images")

    def test_a_constant_image_has_a_defined_choice(self) -> None:
        flat = torch.zeros(2, 3, inputs.SIZE, inputs.SIZE)
        first, second = (self.see(replace(self.given(), real=flat, fake=flat.clone())) for _ in range(2))
        for side, images in images_of(first).items():
            self.finite(images, f"{side} views of constant images", "guard divisions by a range of 0")
            same = equal(boxes_of(first).get(side), boxes_of(second).get(side))
            self.expect(same, "the choice in constant images differs between two calls")

    def test_no_gradient_flows_through_the_choice(self) -> None:
        """A pixel that no patch shows has no gradient."""
        given = self.given()
        fake = given.fake.clone().requires_grad_()
        seen = self.see(replace(given, fake=fake))
        if seen.fake_boxes is None:
            skip("it gives no boxes, so the pixels of its patches are unknown")
        if not seen.fake.requires_grad:
            skip("no gradient flows, as another test says")
        backward(seen.fake)
        hidden = torch.ones(fake.shape[0], *fake.shape[2:], dtype=torch.bool)
        for image, top, left, height, width in seen.fake_boxes.tolist():
            hidden[image, top : top + height, left : left + width] = False
        if not hidden.any():
            skip("all pixels are shown")
        assert fake.grad is not None
        most = float(fake.grad.abs().sum(1)[hidden].max())
        text = f"pixels outside of the chosen patches have a gradient (up to {most:.2g}); compute scores from"
        self.expect(most == 0, f"{text} images.detach()")

    def test_what_it_shows_of_its_choice_can_be_drawn(self) -> None:
        """`toonlab inspect` asks for `saliency` and `filtered`, both optional: `toonlab.Explains`."""
        part, images = self.make(), self.given(height=48, width=80).real
        expected = {"saliency": (2, 48, 80), "filtered": (2, 3, 48, 80)}
        there = {method: shape for method, shape in expected.items() if callable(getattr(part, method, None))}
        if not there:
            skip("it has neither saliency nor filtered, which are optional")
        for method, shape in there.items():
            with torch.no_grad():
                shown = self.tried(f"{method} fails on {tuple(images.shape)} images", getattr(part, method), images)
            got = tuple(shown.shape) if isinstance(shown, Tensor) else type(shown).__name__
            self.expect(
                got == shape,
                f"{method} of {tuple(images.shape)} images is {got}, expected {shape}; toonlab inspect draws it, so "
                "give it that shape, or another name if it is for something else",
            )
            self.finite(shown, method, "guard divisions, roots and logarithms of 0")

    def test_cost(self) -> None:
        part = self.make()
        size = inputs.SIZE if refused(part, inputs.views(4, 256, 256)) else 256
        given = inputs.views(4, size, size)
        self.print_cost(lambda: self.see(given, part), f"both sides of 4 images of {size}x{size}")
