"""Tests of representations."""

from __future__ import annotations

from typing import Any

import torch

from toonlab.types import Views

from . import inputs
from .frame import expect, print_cost
from .views import SIDES, ViewTests, boxes_of, images_of


class RepresentationTests(ViewTests):
    """`class TestMyRepresentation(RepresentationTests): factory = MyRepresentation`."""

    kind = "representations"

    def given(self, **sizes: Any) -> Views:
        if "height" in sizes or "width" in sizes:
            return inputs.views(**sizes)
        size = {"count": 4, **sizes}
        return inputs.patches(**size)

    def test_there_is_one_view_for_each_patch(self) -> None:
        given = self.given()
        seen = self.see(given)
        for side in SIDES:
            before, after = images_of(given, side), images_of(seen, side)
            expect(
                len(before) == len(after),
                f"{self.name}: {len(after)} {side} views of {len(before)} patches; a representation changes what is "
                "seen, and a sampler what is chosen",
            )

    def test_boxes_are_carried_along(self) -> None:
        given = self.given()
        seen = self.see(given)
        for side in SIDES:
            before, after = boxes_of(given, side), boxes_of(seen, side)
            same = before is not None and after is not None and torch.equal(before, after)
            expect(
                same, f"{self.name} drops or changes {side}_boxes; return dataclasses.replace(views, real=…, fake=…)"
            )

    def test_cost(self) -> None:
        given, part = inputs.views(8, 96, 96), self.make()
        print_cost(self.name, lambda: self.see(inputs.again(given), part), "both sides of 8 patches of 96x96")
