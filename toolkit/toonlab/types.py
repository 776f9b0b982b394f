"""What flows through one training step.

Images are `(B, 3, H, W)` float in [-1, 1], RGB, unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

Corners = list[list[int]]  # image, top, left of each box


@dataclass(frozen=True, slots=True)
class Batch:
    """Unpaired images of the two domains: photos and cartoons, both `(B, 3, H, W)` in [-1, 1]."""

    photo: Tensor
    cartoon: Tensor


@dataclass(frozen=True, slots=True)
class Context:
    """What a view transform may look at besides the images.

    `photo` is what the fakes were made of, `(B, 3, H, W)` in [-1, 1], in their order; cartoons have none. `critic` is
    the discriminator as it is before this step's update, `step` the number of the step, from 0 over all stages. In
    `toonlab inspect` and in the probe before a run the critic is a stand-in and the step 0, and `inspect` shows one
    picture as photo, cartoon and fake at once. A transform that somebody calls by hand may have no context at all.

    `rng` is a CPU generator that is fresh for every critic and step: draw from it and from nothing else, then
    move what was drawn to the images' device. That keeps paired runs paired and needs no device synchronisation.

    x
    critic's representation, its forward pass in the run's precision (the bare `critic` where there is none), and a
    generator, fresh each time, so that asking leaves the draws of the critic's own view as they are.
    """

    photo: Tensor
    critic: nn.Module
    rng: torch.Generator
    step: int
    representation: Callable[[Views], Views] | None = None
    logits: Callable[[Tensor], Tensor] | None = None
    scoring_rng: Callable[[], torch.Generator] = torch.Generator

    @torch.no_grad()
    def score_patches(self, views: Views) -> Logits:
        """What the critic says, as it is before this step's update, of real and fake patches: for samplers.

        The patches go through the critic's representation. Nothing changes by it: there are no gradients, and networks
        are in eval mode meanwhile, so that spectral norm's vectors and batch norm's statistics stay as they are. While
        a recipe is probed the critic is a stand-in, whose logits are the mean over channels.

        Args:
            views: the patches as the sampler would hand them on, with their boxes; `replace(views, real=…, fake=…)`.

        Returns:
            The raw answers to either side, in float32 under bf16 too; the batch first, else as the network makes them.
        """
        context = replace(self, rng=self.scoring_rng(), representation=None)
        with evaluating(self.critic, self.representation):
            seen = replace(views, context=context)
            seen = self.representation(seen) if self.representation else seen
            logits = self.logits or self.critic
            return Logits(logits(seen.real), logits(seen.fake))


@contextmanager
def evaluating(*parts: object) -> Iterator[None]:
    """Within, those of the parts that are modules are in eval mode, so that they learn nothing from what they see."""
    modules = [module for part in parts if isinstance(part, nn.Module) for module in part.modules()]
    training = [module for module in modules if module.training]  # each by itself: some may never train
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


@dataclass(frozen=True, slots=True)
class Views:
    """What a critic sees: real cartoons and fakes, after its sampler and its representation.

    `real` and `fake` are `(N, C, H, W)` in `value_range`; the two may differ in N. A sampler that cuts regions gives
    their boxes, `(N, 5)` int64: image, top, left, height, width, in pixels of the image, and may give scores `(N,)`.
    Boxes may differ in size: a view whose height and width are not its box's is that region, resized.
    """

    real: Tensor
    fake: Tensor
    real_boxes: Tensor | None = None
    fake_boxes: Tensor | None = None
    real_scores: Tensor | None = None
    fake_scores: Tensor | None = None
    value_range: tuple[float, float] = (-1.0, 1.0)
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Logits:
    """A critic's raw answers (no sigmoid) to the real and the fake view; any shape with the batch first."""

    real: Tensor
    fake: Tensor


class Features:
    """The recipe's feature extractor, run at most once per tensor and step: `step.features(step.fake)`.

    Features of a tensor that needs no gradient (photo, cartoon) are computed without a graph.
    """

    def __init__(self, extractor: Callable[[Tensor], Tensor]) -> None:
        self._extractor = extractor
        self._seen: dict[int, tuple[Tensor, Tensor]] = {}  # the image is kept so that its id stays its own

    def __call__(self, images: Tensor) -> Tensor:
        """`(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)`, as the extractor defines it."""
        if id(images) not in self._seen:
            with torch.set_grad_enabled(torch.is_grad_enabled() and images.requires_grad):
                self._seen[id(images)] = (images, self._extractor(images))
        return self._seen[id(images)][1]


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that a generator loss may use: `(step) -> scalar`.

    `views` and `fake_logits` have an entry for each critic that is active in this stage; `rng` is a CPU generator
    that is fresh for every loss and step.
    """

    batch: Batch
    fake: Tensor
    views: Mapping[str, Views]
    fake_logits: Mapping[str, Tensor]
    features: Features
    rng: torch.Generator


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known about the cartoon that a photo should become; None where a data set doesn't know it.

    `cartoon` and `flat` (the colours without lines) are `(3, H, W)` in [-1, 1]; `outline` is `(H, W)` bool;
    `regions` is `(H, W)` int64, one number for each region of one colour.
    """

    cartoon: Tensor | None = None
    outline: Tensor | None = None
    regions: Tensor | None = None
    flat: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo to evaluate on, `(3, H, W)` in [-1, 1], with the truth where there is one.

    `name` can be that of a file, or a path with forward slashes: other programs are given the photos under it.
    """

    name: str
    photo: Tensor
    truth: Truth | None = None


def crop(images: Tensor, boxes: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Cut boxes of one size out of images; gradients of overlapping boxes add up.

    Args:
        images: `(B, C, H, W)`, any range.
        boxes: `(N, 5)` int64: image, top, left, height, width, in pixels; all of one height and width.
        size: that height and width, if the caller knows it: reading it from `boxes` synchronises a GPU.

    Returns:
        `(N, C, height, width)`.

    Raises:
        ValueError: if the boxes differ in size (checked only where `size` is not given).
    """
    if size is None:
        sizes = {(int(h), int(w)) for h, w in boxes[:, 3:].tolist()}
        if len(sizes) != 1:
            raise ValueError(f"crop: boxes must have one size, got {sorted(sizes)}; crop each size by itself")
        size = sizes.pop()
    if images.device.type == "cpu":
        return _Crop.apply(images, boxes[:, :3].tolist(), size)
    image, top, left = boxes[:, 0], boxes[:, 1], boxes[:, 2]
    rows = top[:, None] + torch.arange(size[0], device=images.device)  # (N, h)
    columns = left[:, None] + torch.arange(size[1], device=images.device)  # (N, w)
    patches = images.movedim(1, -1)[image[:, None, None], rows[:, :, None], columns[:, None, :]]  # (N, h, w, C)
    return patches.movedim(-1, 1)


class _Crop(torch.autograd.Function):
    """`crop` by slices. On the CPU the gradient of indexing is summed in an order that changes from run to run."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, corners: Corners, size: tuple[int, int]) -> Tensor:
        ctx.corners, ctx.shape = corners, images.shape
        patches = [images[image].narrow(1, top, size[0]).narrow(2, left, size[1]) for image, top, left in corners]
        return torch.stack(patches) if patches else images.new_empty(0, images.shape[1], *size)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Paste.apply(*gradient, ctx.corners, ctx.shape), None, None


class _Paste(torch.autograd.Function):
    """The adjoint of `_Crop`: patches added up at their places in empty images, in the order of the boxes."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, corners: Corners, shape: torch.Size) -> Tensor:
        ctx.corners, ctx.size = corners, patches.shape[2:]
        images = patches.new_zeros(shape)
        for patch, (image, top, left) in zip(patches, corners, strict=True):
            images[image].narrow(1, top, ctx.size[0]).narrow(2, left, ctx.size[1]).add_(patch)
        return images

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Crop.apply(*gradient, ctx.corners, ctx.size), None, None
