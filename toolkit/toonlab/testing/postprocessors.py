"""Tests of post-processors."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import inputs
from .frame import PartTests

Pixels = NDArray[np.uint8]


class PostprocessorTests(PartTests):
    """`class TestMyPostprocessor(PostprocessorTests): factory = MyPostprocessor`."""

    kind = "postprocessors"

    def finish(self, fake: Pixels, photo: Pixels, part: Any = None) -> Pixels:
        __tracebackhide__ = True
        return self.tried(f"fails on pictures of {fake.shape[1]}x{fake.shape[0]}", part or self.make(), fake, photo)

    def test_pictures_keep_their_size_and_type(self) -> None:
        for height, width in ((64, 64), (48, 80), (37, 41)):
            fake, photo = _pictures(height, width)
            done = self.finish(fake, photo)
            got = f"{done.shape} {done.dtype}" if isinstance(done, np.ndarray) else type(done).__name__
            text = f"{got} of a fake {fake.shape}; expected the same shape in uint8"
            self.expect(got == f"{fake.shape} uint8", text)

    def test_one_colour_has_a_result(self) -> None:
        for value in (0, 127, 255):
            flat = np.full((32, 32, 3), value, np.uint8)
            self.finish(flat, flat.copy())

    def test_the_input_is_left_as_it_is(self) -> None:
        fake, photo = _pictures()
        with self.unchanged({"fake": torch.from_numpy(fake), "photo": torch.from_numpy(photo)}):
            self.finish(fake, photo)

    def test_the_same_pictures_give_the_same_result(self) -> None:
        part = self.make()
        same = np.array_equal(self.finish(*_pictures(), part), self.finish(*_pictures(), part))
        self.expect(same, "the same fake and photo give two results; leave chance out")

    def test_nothing_is_drawn_from_global_generators(self) -> None:
        self.draws_only_from("none", lambda: [torch.tensor(self.finish(*_pictures()))])

    def test_cost(self) -> None:
        part, (fake, photo) = self.make(), _pictures(256, 256)
        self.print_cost(lambda: self.finish(fake, photo, part), "a picture of 256x256")


def _pictures(height: int = 64, width: int = 64) -> tuple[Pixels, Pixels]:
    """A fake and its photo."""
    fake, photo = (
        ((images[0].movedim(0, -1).numpy() + 1) * 127.5).round().astype(np.uint8)
        for images in (inputs.cartoons(1, height, width), inputs.photos(1, height, width))
    )
    return fake, photo
