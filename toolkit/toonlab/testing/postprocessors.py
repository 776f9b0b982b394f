"""Tests of post-processors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import inputs
from .frame import PartTests, expect, no_global_draws, print_cost, tried

Pixels = NDArray[np.uint8]


class PostprocessorTests(PartTests):
    """`class TestMyPostprocessor(PostprocessorTests): factory = MyPostprocessor`."""

    kind = "postprocessors"

    def finish(self, fake: Pixels, photo: Pixels, part: Any = None) -> Pixels:
        __tracebackhide__ = True
        part = part or self.make()
        text = f"{self.name} fails on pictures of {fake.shape[1]}x{fake.shape[0]}"
        return tried(text, lambda: part(fake, photo))

    def test_pictures_keep_their_size_and_type(self) -> None:
        for height, width in ((64, 64), (48, 80), (37, 41)):
            fake, photo = _pictures(height, width)
            done = self.finish(fake, photo)
            ok = isinstance(done, np.ndarray) and done.shape == fake.shape and done.dtype == np.uint8
            got = f"{done.shape} {done.dtype}" if isinstance(done, np.ndarray) else type(done).__name__
            expect(ok, f"{self.name}: {got} of a fake {fake.shape}; expected the same shape in uint8")

    def test_one_colour_has_a_result(self) -> None:
        for value in (0, 127, 255):
            flat = np.full((32, 32, 3), value, np.uint8)
            self.finish(flat, flat.copy())

    def test_the_input_is_left_as_it_is(self) -> None:
        fake, photo = _pictures()
        before = fake.copy(), photo.copy()
        self.finish(fake, photo)
        same = np.array_equal(before[0], fake) and np.array_equal(before[1], photo)
        expect(same, f"{self.name} changes its input in place; work on a copy")

    def test_the_same_pictures_give_the_same_result(self) -> None:
        part, (fake, photo) = self.make(), _pictures()
        same = np.array_equal(self.finish(fake, photo, part), self.finish(fake, photo, part))
        expect(same, f"{self.name}: the same fake and photo give two results; leave chance out")

    def test_nothing_is_drawn_from_global_generators(self) -> None:
        part, (fake, photo) = self.make(), _pictures()
        with no_global_draws(self.name, "none"):
            self.finish(fake, photo, part)

    def test_cost(self) -> None:
        part, (fake, photo) = self.make(), _pictures(256, 256)
        print_cost(self.name, lambda: self.finish(fake, photo, part), "a picture of 256x256")


def _pictures(height: int = 64, width: int = 64) -> tuple[Pixels, Pixels]:
    fake, photo = (
        ((images[0].movedim(0, -1).numpy() + 1) * 127.5).round().astype(np.uint8)
        for images in (inputs.cartoons(1, height, width), inputs.photos(1, height, width))
    )
    return fake, photo
