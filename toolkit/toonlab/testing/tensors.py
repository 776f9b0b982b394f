"""What the tests of parts that compute tensors have in common."""

import copy
import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .assertions import equal, globally_seeded, refused, skip
from .frame import PartTests


class TensorTests(PartTests):
    """Tests of a part that makes tensors of tensors.

    A subclass states the part's input (`given`) and what it makes of it (`outputs`).
    """

    lasting: ClassVar[str] = (
        "use the step's number instead of a counter of your own, or keep what lasts in state_dict and load_state_dict"
    )
    on_a_gpu: ClassVar[str] = "make tensors on the images' device"
    tolerance: ClassVar[float] = 1e-3  # between the CPU and a GPU, of the largest value

    def given(self, *sizes: Any, **changes: Any) -> Any:
        """The input, made afresh; `step` and `device` are among what may be changed."""
        raise NotImplementedError

    def outputs(self, part: Any, given: Any) -> Mapping[str, Tensor]:
        """What the part makes of its input, by name; without advice on what it raises."""
        raise NotImplementedError

    def ready(self) -> Any:
        """A new part as it is when its output is to be repeated."""
        return self.make()

    def test_the_input_is_left_as_it_is(self) -> None:
        given = self.given()
        with self.unchanged(given):
            self.outputs(self.make(), given)

    def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened(self) -> None:
        """The engine keeps a part's `state_dict`, where it has one, and nothing else of it: nothing is pickled."""
        part = self.make()
        for step in range(2):
            self._used(part, step)
        state = copy.deepcopy(part.state_dict()) if hasattr(part, "state_dict") else None
        going_on, new = self._used(part, 2), self.make()
        if state is not None:
            self.tried("its state_dict can't be loaded again", lambda: new.load_state_dict(self._stored(state)))
        same = all(map(equal, going_on, self._used(new, 2)))
        self.expect(same, f"after a resume it gives something else than without; {self.lasting}")

    def _used(self, part: Any, step: int) -> Sequence[Tensor]:
        with globally_seeded(0):  # what is drawn there is another test's affair
            return list(self.outputs(part, self.given(step=step)).values())

    def _stored(self, state: Any) -> Any:
        """A state as a checkpoint holds it."""
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        text = "its state_dict holds more than tensors, numbers, text, lists and dicts"
        return self.tried(text, lambda: torch.load(file, weights_only=True))

    def test_the_cpu_and_the_gpu_agree(self) -> None:
        device, part = gpu(), self.ready()
        here = self.outputs(part, self.distinct(torch.device("cpu")))
        part = part.to(device) if isinstance(part, nn.Module) else part
        there = self.tried(f"fails on a GPU; {self.on_a_gpu}", self.outputs, part, self.distinct(device))
        wrong = [f"{name} of images on a GPU: {t.device}" for name, t in there.items() if t.device.type != device.type]
        self.expect(not wrong, "; ".join(wrong))
        self.near(there, here, self.tolerance, "on a GPU")

    def distinct(self, device: torch.device) -> Any:
        """An input for which a rounding error makes no large difference."""
        return self.given(device=device)


class ImageTests(TensorTests):
    """Tests of a part that takes images: a sampler, a representation or a network."""

    oblong: ClassVar[Sequence[tuple[int, int]]]
    sides: ClassVar[Sequence[int]]

    def test_a_batch_of_one(self) -> None:
        outputs = self.tried("fails on a batch of one", lambda: self.outputs(self.make(), self.given(count=1)))
        self.expect(all(map(len, outputs.values())), "a batch of one has no views")

    def test_images_that_are_not_square(self) -> None:
        for height, width in self.oblong:
            text = f"fails on images of {width}x{height}; heights come before widths in every shape"
            self.tried(text, self.outputs, self.make(), self.given(height=height, width=width))

    def test_it_works_under_torch_compile_or_says_that_it_does_not(self) -> None:
        """Through torch.compile's front end, without the slow compiler behind it."""
        part = self.ready()
        if getattr(part, "compiles", True) is False:
            skip(f"{self.name} says that it does not work under torch.compile (`compiles = False`)")
        plain = self.outputs(part, self.given())
        torch._dynamo.reset()
        work = part if isinstance(part, nn.Module) else part.__call__
        text = "fails under torch.compile; mend it, or say so by a class attribute `compiles = False`"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is left out of the compiled part
            compiled = torch.compile(work, backend="eager", dynamic=False)
            seen = self.tried(text, self.outputs, compiled, self.given())
        self.near(seen, plain, 1e-4, "under torch.compile")

    def sides_that_fit(self) -> list[int]:
        """Sides of square images that the part takes; it refuses others by a line with a number."""
        __tracebackhide__ = True
        part, fit = self.make(), []
        for side in self.sides:
            text = f"fails on images of {side}x{side} with another error than PartError; check the size first, and say "
            told = self.tried(f"{text}what fits", refused, part, self.given(height=side, width=side))
            if told is None:
                fit.append(side)
                continue
            clear = "\n" not in told.strip() and any(character.isdigit() for character in told)
            text = f"what it says of {side}x{side} images is not one line with a number: {told!r}"
            self.expect(clear, f"{text}; say what was got and what fits")
        self.expect(fit, f"takes no image of up to {self.sides[-1]}x{self.sides[-1]}; give `parameters` that suit such")
        return fit


def gpu() -> torch.device:
    if not torch.cuda.is_available():
        skip("there is no GPU here")
    return torch.device("cuda")
