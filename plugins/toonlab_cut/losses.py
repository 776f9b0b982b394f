"""The loss of CUT: a patch of the fake is to resemble the photo's patch at its place more than the photo's others."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from toonlab import Context, PartError, SamplerPart, Step, Stream, Views
from toonlab.ops.filters import full_precision

_SHORT = 1e-4  # features shorter than this are not scaled up to length 1: their gradients would have no bound


class PatchNCE(nn.Module):
    """PatchNCE: for each place, the cross-entropy of finding the photo's feature there among those of other places.

    Features are the generator's own, of photo and fake, at some of its layers (`toonlab.Encoder`), each through a head
    of two linear layers, which learns with the generator, to unit length. Of each layer, cross-entropy of cosines over
    `temperature`, with the photo's features as constants; the mean over places, images and layers. Park, Efros, Zhang
    and Zhu, "Contrastive Learning for Unpaired Image-to-Image Translation", ECCV 2020, eq. 3 to 5.

    Places are random, the same for all images of a batch; or, with a `sampler`, they lie in the boxes that it
    chooses in the photo, each box and each point of it with the same chance. A place that is drawn twice
    is no counterexample to itself.

    Args:
        channels_at: the generator's numbers of channels; given by the engine.
        of: the stream of images that it teaches.
        to: the stream that they are compared with.
        identity: a stream made of cartoons, for the mean of this loss and that between it and the cartoons.
        layers: of the generator; 0 is the images. The default is CUT's, for `resnet`.
        patches: places in each layer, or all of them if it has fewer.
        width: channels of the heads.
        temperature: the divisor of the cosines.
        flip: in every second step on average, compare with features of the mirrored photo, mirrored back (FastCUT).
        sampler: where the places are; None: anywhere.
    """

    def __init__(
        self,
        channels_at: Callable[[Sequence[int]], Sequence[int]],
        of: Stream = "fake",
        to: Stream = "photo",
        identity: Stream | None = None,
        layers: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = (0, 2, 3, 4, 8),
        patches: PositiveInt = 256,
        width: PositiveInt = 256,
        temperature: PositiveFloat = 0.07,
        flip: bool = False,
        sampler: SamplerPart | None = None,
    ) -> None:
        super().__init__()
        self.made, self.given, self.identity, self.layers, self.patches = of, to, identity, layers, patches
        self.temperature, self.flip, self.sampler = temperature, flip, sampler
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, width))
            for channels in channels_at(layers)
        )
        self.apply(_initialise)

    def forward(self, step: Step) -> Tensor:
        loss = self._between(step, step.images(self.made), step.images(self.given))
        if self.identity is None:
            return loss
        return (loss + self._between(step, step.images(self.identity), step.batch.cartoon)) / 2

    def _between(self, step: Step, made: Tensor, given: Tensor) -> Tensor:
        mirrored = self.flip and random.Random(step.rng.initial_seed()).random() < 0.5  # a tensor's would be waited for
        queries = step.encode(made, self.layers)
        with torch.no_grad():
            keys = step.encode(given.flip(3) if mirrored else given, self.layers)
            keys = tuple(features.flip(3) for features in keys) if mirrored else keys
            places = self._places(step, given)
        losses = [self._of_layer(*layer, places) for layer in zip(self.heads, queries, keys, strict=True)]
        return torch.stack(losses).mean()

    def _places(self, step: Step, given: Tensor) -> Callable[[int, int], Tensor]:
        """Height and width of a layer -> the places there, `(B or 1, P)` int64."""
        if self.sampler is None:
            return lambda height, width: _anywhere(height * width, self.patches, step.rng).to(
                given.device, non_blocking=True
            )[None]
        views = self.sampler(Views(given, given, context=Context(given, _NoCritic(), step.rng, step.number)))
        if views.fake_boxes is None:
            raise PartError("patch_nce: its sampler chooses no boxes; give one that does, such as ctss")
        points = _points(views.fake_boxes, given, torch.rand(3, self.patches, generator=step.rng))
        return points.at

    def _of_layer(self, head: nn.Module, queries: Tensor, keys: Tensor, places: Callable[[int, int], Tensor]) -> Tensor:
        at = places(*queries.shape[2:]).expand(len(queries), -1)
        with torch.autocast(queries.device.type, enabled=False):
            q, k = (F.normalize(head(_chosen(full_precision(each), at)), dim=2, eps=_SHORT) for each in (queries, keys))
            cosines = q @ k.detach().mT  # (B, P, P)
            twice = (at[:, :, None] == at[:, None]) & ~torch.eye(at.shape[1], dtype=torch.bool, device=at.device)
            logits = cosines.masked_fill(twice, -torch.inf) / self.temperature
            own = torch.arange(at.shape[1], device=at.device).expand(len(at), -1)
            return F.cross_entropy(logits.flatten(0, 1), own.flatten())


@dataclass(frozen=True)
class _Points:
    """Points of images, `(B, P)`, in units of height and width."""

    y: Tensor
    x: Tensor

    def at(self, height: int, width: int) -> Tensor:
        row, column = (self.y * height).long().clamp_max(height - 1), (self.x * width).long().clamp_max(width - 1)
        return row * width + column


def _points(boxes: Tensor, images: Tensor, draws: Tensor) -> _Points:
    """Points in the boxes of each image, `(N, 5)`: each image has as many of them, one after the other."""
    count, (height, width) = len(images), images.shape[2:]
    if len(boxes) % count or not len(boxes):
        raise PartError(
            f"patch_nce: its sampler gives {len(boxes)} boxes for {count} images; as many for each are needed"
        )
    boxes = boxes[boxes[:, 0].argsort(stable=True)].view(count, -1, 5)
    which, down, right = draws.to(boxes.device, non_blocking=True)
    chosen = boxes[:, (which * boxes.shape[1]).long()]
    _, top, left, tall, wide = chosen.unbind(2)
    return _Points((top + down * tall) / height, (left + right * wide) / width)


def _anywhere(count: int, patches: int, rng: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=rng)[:patches]


def _chosen(features: Tensor, at: Tensor) -> Tensor:
    """`(B, C, h, w)`, `(B, P)` -> `(B, P, C)`."""
    rows = features.flatten(2).mT
    return rows.gather(1, at[:, :, None].expand(-1, -1, rows.shape[2]))


class _NoCritic(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        raise PartError("patch_nce: its sampler asks a critic, but a loss has none; give another sampler")


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
