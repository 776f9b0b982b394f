"""Tests of samplers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.ops.crop import crop
from toonlab.types import Views

from . import inputs
from .frame import expect, finite, print_cost, refused, skip, skip_unless, tried
from .views import SIDES, ViewTests, boxes_of, images_of

_SIDES_TRIED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class SamplerTests(ViewTests):
    """`class TestMySampler(SamplerTests): factory = MySampler`, and `parameters` that suit pictures of 64x64."""

    kind = "samplers"

    def given(self, **sizes: Any) -> Views:
        return inputs.views(**sizes)

    def test_boxes_are_int64_with_five_columns_for_every_view(self) -> None:
        seen = self.see()
        for side, boxes in self._boxes(seen):
            views = images_of(seen, side)
            ok = boxes.ndim == 2 and boxes.shape[1] == 5 and boxes.dtype == torch.int64
            expect(
                ok and len(boxes) == len(views),
                f"{self.name}: {side}_boxes are {tuple(boxes.shape)} {boxes.dtype} for {len(views)} views; expected "
                f"({len(views)}, 5) int64: image, top, left, height, width",
            )

    def test_boxes_lie_inside_the_image(self) -> None:
        for height, width in ((64, 64), (48, 80)):
            given = self.given(height=height, width=width)
            seen = self.see(given)
            for side, boxes in self._boxes(seen):
                image, top, left, tall, wide = boxes.T
                count = len(images_of(given, side))
                inside = (image >= 0) & (image < count) & (top >= 0) & (left >= 0) & (tall > 0) & (wide > 0)
                inside &= (top + tall <= height) & (left + wide <= width)
                wrong = boxes[~inside]
                expect(
                    len(wrong) == 0,
                    f"{self.name}: {len(wrong)} of {len(boxes)} {side}_boxes leave the {count} images of "
                    f"{height}x{width}, the first: {wrong[:1].tolist()} (image, top, left, height, width)",
                )

    def test_boxes_match_the_pixels(self) -> None:
        given = self.given()
        seen = self.see(given)
        for side, boxes in self._boxes(seen):
            views, source = images_of(seen, side), images_of(given, side)
            for number, box in enumerate(boxes):
                there = _resized(crop(source, box[None]), views.shape[2:])
                expect(
                    there.shape[1:] == views.shape[1:],
                    f"{self.name}: {side} views have {views.shape[1]} channels, the images 3; a sampler cuts, and a "
                    f"representation changes colours",
                )
                off = float((there[0] - views[number]).abs().mean())
                same_size = tuple(box[3:].tolist()) == tuple(views.shape[2:])
                expect(
                    off <= (1e-6 if same_size else 0.1),
                    f"{self.name}: {side} view {number} is not what its box {box.tolist()} shows (mean difference "
                    f"{off:.2g}); return toonlab.crop(images, boxes) of the boxes that you give, or no boxes",
                )

    def test_an_image_as_small_as_allowed_works_and_smaller_ones_are_refused_with_advice(self) -> None:
        works = []
        for size in _SIDES_TRIED:
            text = tried(
                f"{self.name} fails on images of {size}x{size} with another error than PartError; check the size "
                "first, and say what fits",
                refused,
                self.see,
                self.given(height=size, width=size),
            )
            if text is None:
                works.append(size)
            else:
                self._clear(text, size)
        expect(
            works,
            f"{self.name} takes no image of up to 64x64; give `parameters` that suit such images, as patch_size=16, "
            "k=2",
        )
        smallest = self.see(self.given(height=works[0], width=works[0]))
        expect(
            smallest.real.numel() and smallest.fake.numel(), f"{self.name}: no views of {works[0]}x{works[0]} images"
        )

    def _clear(self, text: str, size: int) -> None:
        one_line = text.strip() and "\n" not in text.strip()
        expect(one_line, f"{self.name}: what it says of {size}x{size} images is not one line: {text!r}")
        expect(
            any(character.isdigit() for character in text),
            f"{self.name}: what it says of {size}x{size} images names no number: {text!r}; say what was got and what "
            "fits",
        )

    def test_a_constant_image_has_a_defined_choice(self) -> None:
        flat = torch.zeros(2, 3, inputs.SIZE, inputs.SIZE)
        given = replace(self.given(), real=flat, fake=flat.clone())
        first, second = self.see(given), self.see(inputs.again(given))
        for side in SIDES:
            finite(
                self.name, images_of(first, side), f"{side} views of constant images", "guard divisions by a range of 0"
            )
            one, other = boxes_of(first, side), boxes_of(second, side)
            if one is not None and other is not None:
                expect(torch.equal(one, other), f"{self.name}: the choice in constant images differs between two calls")

    def test_no_gradient_flows_through_the_choice(self) -> None:
        """A pixel that no patch shows has no gradient."""
        given = self.given()
        fake = given.fake.clone().requires_grad_()
        seen = self.see(replace(given, fake=fake))
        boxes = seen.fake_boxes
        if boxes is None:
            skip("it gives no boxes, so the pixels of its patches are unknown")
        skip_unless(seen.fake.requires_grad, "no gradient flows")
        seen.fake.sum().backward()  # type: ignore[no-untyped-call]
        shown = torch.zeros(fake.shape[0], *fake.shape[2:], dtype=torch.bool)
        for image, top, left, height, width in boxes.tolist():
            shown[image, top : top + height, left : left + width] = True
        if shown.all():
            skip("all pixels are shown")
        assert fake.grad is not None
        hidden = fake.grad.abs().sum(1)[~shown].max()
        expect(
            hidden == 0,
            f"{self.name}: pixels outside of the chosen patches have a gradient (up to {float(hidden):.2g}); compute "
            "scores from images.detach()",
        )

    def test_what_it_shows_of_its_choice_can_be_drawn(self) -> None:
        """`toonlab inspect` asks for `saliency` and `filtered`, both optional: `toonlab.Explains`."""
        part, images = self.make(), self.given(height=48, width=80).real
        expected = {"saliency": (2, 48, 80), "filtered": (2, 3, 48, 80)}
        there = {method: shape for method, shape in expected.items() if callable(getattr(part, method, None))}
        if not there:
            skip("it has neither saliency nor filtered, which are optional")
        for method, shape in there.items():
            with torch.no_grad():
                shown = tried(
                    f"{self.name}: {method} fails on {tuple(images.shape)} images", getattr(part, method), images
                )
            got = tuple(shown.shape) if isinstance(shown, Tensor) else type(shown).__name__
            expect(
                got == shape,
                f"{self.name}: {method} of {tuple(images.shape)} images is {got}, expected {shape}; toonlab inspect "
                f"draws it, so give it that shape, or another name if it is for something else",
            )
            finite(self.name, shown, method, "guard divisions, roots and logarithms of 0")

    def test_cost(self) -> None:
        size = inputs.SIZE if refused(self.see, inputs.views(4, 256, 256)) else 256
        given, part = inputs.views(4, size, size), self.make()
        print_cost(self.name, lambda: self.see(inputs.again(given), part), f"both sides of 4 images of {size}x{size}")

    def _boxes(self, seen: Views) -> list[tuple[str, Tensor]]:
        found = [(side, boxes) for side in SIDES if (boxes := boxes_of(seen, side)) is not None]
        if not found:
            skip("it gives no boxes")
        return found


def _resized(region: Tensor, size: torch.Size) -> Tensor:
    if region.shape[2:] == size:
        return region
    return F.interpolate(region, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)
