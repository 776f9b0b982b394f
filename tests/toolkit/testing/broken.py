"""Plugins that are wrong in one way each, and the test of the kit that is meant for it.

A wrong part is a right one in which one thing is changed, so that nothing else can be found wrong with it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from toonlab import CriticParts, Logits, Objective, PartError, Run, Sample, Step, Truth, Tunable, Views, crop, hookimpl
from toonlab.registry.protocols import KINDS
from toonlab.scaffold.examples import (
    dataset,
    discriminator,
    features,
    generator,
    generator_loss,
    metric,
    objective,
    observer,
    representation,
    sampler,
)
from toonlab.testing import TESTS
from toonlab.testing.frame import failures
from toonlab_executors.local import LocalExecutor

PAGE = Path(__file__).parents[3] / "docs" / "broken-plugins.md"


@dataclass(frozen=True)
class Defect:
    """What is wrong, with a part of which kind, and the test (or the tests) that has to find it."""

    what: str
    kind: str
    factory: Callable[..., Any]
    found_by: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)


DEFECTS: list[Defect] = []


def wrong(what: str, kind: str, *found_by: str, **parameters: Any) -> Callable[[Any], Any]:
    """Marks a factory as wrong in one way."""

    def mark(factory: Any) -> Any:
        DEFECTS.append(Defect(what, kind, factory, found_by, parameters))
        return factory

    return mark


def of_kinds(*kinds: str) -> pytest.MarkDecorator:
    """Parametrizes a test over the defects of some kinds; those that are defined below."""
    chosen = [defect for defect in DEFECTS if defect.kind in kinds]
    return pytest.mark.parametrize("defect", chosen, ids=[f"{defect.kind}: {defect.what}" for defect in chosen])


def messages(defect: Defect) -> dict[str, str]:
    """Each test that fails, with its message."""
    return failures(TESTS[defect.kind], defect.factory, defect.parameters)


def assert_found(defect: Defect) -> None:
    """The tests that are meant for the defect find it, and no others; their message is that of the documentation."""
    found = messages(defect)
    assert set(found) == set(defect.found_by)
    assert all("\n" not in text and len(text) > 40 for text in found.values())
    if "TOONLAB_WRITE_DOCS" not in os.environ:
        assert rounded(row(defect, found)) in rounded(PAGE.read_text(encoding="utf-8"))


def row(defect: Defect, found: Mapping[str, str]) -> str:
    """The defect's line of the page."""
    names = "<br>".join(f"`{name.removeprefix('test_')}`" for name in defect.found_by)
    text = found[defect.found_by[0]].replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")
    return f"| {defect.what} | {KINDS[defect.kind]} | {names} | {text} |"


def rounded(text: str) -> str:
    """Digits may differ from machine to machine, and lines of files from commit to commit."""
    return re.sub(r"\d+(\.\d+)?(e[-+]\d+)?", "#", text)


SMALL = {"patch_size": 16, "k": 2}


# -- samplers


@wrong("a parameter without an annotation", "samplers", "test_the_signature_is_a_schema")
def unannotated(k=2) -> sampler.ExampleSampler:  # type: ignore[no-untyped-def]
    return sampler.ExampleSampler(patch_size=16, k=k)


@wrong("a search range beyond the constraint", "samplers", "test_both_ends_of_every_search_range_are_allowed")
def beyond(k: Annotated[int, Field(gt=0, le=8), Tunable(1, 16)] = 2) -> sampler.ExampleSampler:
    return sampler.ExampleSampler(patch_size=16, k=k)


class Changed(sampler.ExampleSampler):
    """A right sampler whose answer is changed afterwards."""

    def __call__(self, views: Views) -> Views:
        return self.change(super().__call__(views), views)

    def change(self, seen: Views, views: Views) -> Views:
        raise NotImplementedError


@wrong("a single image in place of a batch", "samplers", "test_shapes_are_those_of_views", **SMALL)
class Single(sampler.ExampleSampler):
    def __call__(self, views: Views) -> Views:
        seen = super().__call__(views)
        return replace(seen, real=seen.real[0], fake=seen.fake[0], real_boxes=None, fake_boxes=None)


@wrong("a new Views without the context", "samplers", "test_the_context_is_carried_along", **SMALL)
class Forgetful(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        return Views(seen.real, seen.fake, seen.real_boxes, seen.fake_boxes)


@wrong("boxes of int32", "samplers", "test_boxes_are_int64_with_five_columns_for_every_view", **SMALL)
class ShortBoxes(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        assert seen.real_boxes is not None
        return replace(seen, real_boxes=seen.real_boxes.to(torch.int32))


@wrong(
    "boxes with rows and columns swapped",
    "samplers",
    "test_boxes_lie_inside_the_image",
    "test_boxes_match_the_pixels",
    patch_size=32,
    k=2,
)
class Swapped(Changed):
    """In images that are not square, swapped boxes leave the image, too."""

    def change(self, seen: Views, views: Views) -> Views:
        assert seen.real_boxes is not None
        return replace(seen, real_boxes=seen.real_boxes[:, [0, 2, 1, 4, 3]])

    def choose(self, images: Tensor) -> Tensor:
        boxes = super().choose(images).clone()
        boxes[:, 1], boxes[:, 2] = 0, images.shape[3] - self.patch_size
        return boxes


@wrong("boxes of other patches than those that are cut", "samplers", "test_boxes_match_the_pixels", **SMALL)
class Mismatched(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        assert seen.fake_boxes is not None
        return replace(seen, fake_boxes=seen.fake_boxes.flip(0))


@wrong("draws from torch's global generator", "samplers", "test_only_the_contexts_generator_is_drawn_from", **SMALL)
class GlobalDraws(Changed):
    """What is drawn decides nothing, so that only the draw itself is wrong."""

    def change(self, seen: Views, views: Views) -> Views:
        torch.rand(1)
        return seen


@wrong("draws from numpy's global generator", "samplers", "test_only_the_contexts_generator_is_drawn_from", **SMALL)
class NumpyDraws(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        np.random.rand()  # noqa: NPY002
        return seen


@wrong(
    "chance from a generator that nobody seeded",
    "samplers",
    "test_the_same_key_gives_the_same_choice",
    "test_a_constant_image_has_a_defined_choice",
    "test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened",
    **SMALL,
)
class OwnChance(sampler.ExampleSampler):
    """Whatever chooses by such chance can't be repeated anywhere."""

    compiles = False

    def choose(self, images: Tensor) -> Tensor:
        boxes = super().choose(images).clone()
        chance = np.random.default_rng()
        boxes[:, 1] = torch.from_numpy(chance.integers(0, images.shape[2] - self.patch_size + 1, len(boxes)))
        return boxes


@wrong("cuts detached images", "samplers", "test_gradients_reach_the_pixels_and_are_finite", **SMALL)
class Detached(sampler.ExampleSampler):
    def __call__(self, views: Views) -> Views:
        return super().__call__(replace(views, fake=views.fake.detach()))


@wrong("lets the gradient flow through scores", "samplers", "test_no_gradient_flows_through_the_choice", **SMALL)
class ThroughScores(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        score = self.saliency(views.fake).mean()
        return replace(seen, fake=seen.fake + (score - score.detach()))


@wrong("changes the images in place", "samplers", "test_the_input_is_left_as_it_is", **SMALL)
class InPlace(Changed):
    """Of what it has cut already, a pixel of the photo."""

    def change(self, seen: Views, views: Views) -> Views:
        assert views.context is not None
        with torch.no_grad():
            views.context.photo[..., 0, 0] = 1
        return seen


@wrong("counts its calls", "samplers", "test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened", **SMALL)
class Counting:
    """Every third call chooses otherwise, and nothing tells a resumed run how many there were."""

    compiles = False

    def __init__(self, patch_size: int = 16, k: int = 2) -> None:
        self.patch_size, self.calls, self.inner = patch_size, 0, sampler.ExampleSampler(patch_size, k=k)

    def __call__(self, views: Views) -> Views:
        self.calls += 1
        seen = self.inner(views)
        if self.calls % 3:
            return seen
        assert seen.real_boxes is not None
        boxes = seen.real_boxes.clone()
        boxes[:, 1:3] = 0
        return replace(seen, real=crop(views.real, boxes), real_boxes=boxes)


@wrong(
    "fails on small images with an IndexError",
    "samplers",
    "test_an_image_as_small_as_allowed_works_and_smaller_ones_are_refused_with_advice",
    **SMALL,
)
class Unclear(sampler.ExampleSampler):
    def choose(self, images: Tensor) -> Tensor:
        if min(images.shape[2:]) < self.patch_size:
            raise IndexError("index -3 is out of range")
        return super().choose(images)


@wrong(
    "refuses small images without a number",
    "samplers",
    "test_an_image_as_small_as_allowed_works_and_smaller_ones_are_refused_with_advice",
    **SMALL,
)
class Mute(sampler.ExampleSampler):
    def choose(self, images: Tensor) -> Tensor:
        if min(images.shape[2:]) < self.patch_size:
            raise PartError("too small")
        return super().choose(images)


@wrong("needs square images", "samplers", "test_images_that_are_not_square", **SMALL)
class SquareOnly(Changed):
    """It gives no boxes, since those of images that are not square could not be looked at."""

    def __call__(self, views: Views) -> Views:
        if views.real.shape[2] != views.real.shape[3]:
            raise RuntimeError("The size of tensor a (48) must match the size of tensor b (80) at non-singleton dim 3")
        return replace(sampler.ExampleSampler.__call__(self, views), real_boxes=None, fake_boxes=None)


@wrong("squeezes a batch of one away", "samplers", "test_a_batch_of_one", **SMALL)
class Squeezed(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        if len(views.real.squeeze(0).shape) == 3:
            raise RuntimeError("expected 4D input (got 3D input)")
        return seen


@wrong("divides by the range of each image", "samplers", "test_a_constant_image_has_a_defined_choice", **SMALL)
class NotANumber(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        flat = views.real.amax((1, 2, 3)) == views.real.amin((1, 2, 3))
        return replace(seen, real=seen.real / (~flat.all()).float())


@wrong("a global generator that is put back afterwards", "samplers", "test_only_the_contexts_generator_is_drawn_from")
class PutBack(sampler.ExampleSampler):
    """The global state is as before, so only another seed shows that the choice depends on it."""

    compiles = False

    def __init__(self, patch_size: int = 16, k: int = 2) -> None:
        super().__init__(patch_size, k=k)

    def choose(self, images: Tensor) -> Tensor:
        boxes = super().choose(images).clone()
        with torch.random.fork_rng(devices=[]):
            boxes[:, 1] = torch.randint(images.shape[2] - self.patch_size + 1, (len(boxes),))
        return boxes


@wrong(
    "goes through numpy, which has no bfloat16", "samplers", "test_bfloat16_gives_nearly_what_float32_gives", **SMALL
)
class ByNumpy(Changed):
    compiles = False

    def change(self, seen: Views, views: Views) -> Views:
        views.real.detach().cpu().numpy()
        return seen


@wrong(
    "gives something else under torch.compile",
    "samplers",
    "test_it_works_under_torch_compile_or_says_that_it_does_not",
    **SMALL,
)
class OtherwiseCompiled(Changed):
    def change(self, seen: Views, views: Views) -> Views:
        return replace(seen, real=seen.real.flip(-1)) if torch.compiler.is_compiling() else seen


@wrong("stretches the contrast of what it cuts", "samplers", "test_values_lie_in_the_range_that_is_told", **SMALL)
class Stretched(Changed):
    """Without boxes, since they would not match such pixels."""

    def change(self, seen: Views, views: Views) -> Views:
        return replace(seen, real=3 * seen.real, fake=3 * seen.fake, real_boxes=None, fake_boxes=None)


@wrong(
    "a map for inspect with a channel too many", "samplers", "test_what_it_shows_of_its_choice_can_be_drawn", **SMALL
)
class FourDimensions(sampler.ExampleSampler):
    def choose(self, images: Tensor) -> Tensor:
        return sampler.ExampleSampler(self.patch_size, self.stride, self.k).choose(images)

    def saliency(self, images: Tensor) -> Tensor:
        return super().saliency(images)[:, None]


@wrong("an end that can't be built", "samplers", "test_both_ends_of_every_search_range_are_allowed")
class Unbuildable(sampler.ExampleSampler):
    def __init__(self, patch_size: int = 16, k: Annotated[int, Field(gt=0), Tunable(1, 8)] = 2) -> None:
        if k not in {2, 4, 6, 8}:
            raise ValueError("k must be even")
        super().__init__(patch_size, k=k)


# -- representations


@wrong("says nothing of its range", "representations", "test_values_lie_in_the_range_that_is_told")
class Unranged(representation.ExampleRepresentation):
    def __call__(self, views: Views) -> Views:
        seen = super().__call__(views)
        return replace(seen, real=seen.real * 3, fake=seen.fake * 3)


@wrong("a root whose gradient at 0 is infinite", "representations", "test_gradients_of_a_constant_image_are_finite")
class Root(representation.ExampleRepresentation):
    def lines(self, images: Tensor) -> Tensor:
        gray = images.mean(1, keepdim=True)
        return (gray - gray.mean((2, 3), keepdim=True)).square().sqrt() / 2


@wrong("drops the boxes", "representations", "test_boxes_are_carried_along")
class Boxless(representation.ExampleRepresentation):
    def __call__(self, views: Views) -> Views:
        return replace(super().__call__(views), real_boxes=None)


@wrong("leaves patches out", "representations", "test_there_is_one_view_for_each_patch")
class LeavesOut(representation.ExampleRepresentation):
    def __call__(self, views: Views) -> Views:
        seen = super().__call__(views)
        return replace(seen, real=seen.real[: max(1, len(seen.real) // 2)])


# -- networks


@wrong("takes three channels, whatever in_channels says", "discriminators", "test_views_of_any_number_of_channels")
class ThreeChannels(discriminator.ExampleDiscriminator):
    def __init__(self, in_channels: int) -> None:
        super().__init__(3, width=4)


@wrong("ends with a sigmoid", "discriminators", "test_logits_have_the_batch_first_and_no_bound", width=4)
class Sigmoid(discriminator.ExampleDiscriminator):
    def forward(self, view: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(view))


@wrong("a layer that forward does not use", "discriminators", "test_every_parameter_learns", width=4)
class Idle(discriminator.ExampleDiscriminator):
    def __init__(self, in_channels: int, width: int = 4) -> None:
        super().__init__(in_channels, width)
        self.idle = nn.Linear(2, 2)


@wrong("normalises one number for each view over the batch", "discriminators", "test_a_batch_of_one")
class OverOne(nn.Module):
    """Batch norm can't be trained with one value."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 1)
        )

    def forward(self, view: Tensor) -> Tensor:
        if min(view.shape[2:]) < 3:
            raise PartError(f"over_one: sides must be at least 3, got {tuple(view.shape[2:])}")
        return self.layers(view)


@wrong("keeps what it computed", "generators", "test_a_moving_average_of_it_can_be_kept", width=4, blocks=1)
class Keeping(generator.ExampleGenerator):
    """torch copies no tensor that has a graph."""

    def forward(self, photo: Tensor) -> Tensor:
        self.last = super().forward(photo)
        return self.last


@wrong("features that depend on the run's seed", "features", "test_they_are_the_same_whatever_the_seed")
class Seeded(features.ExampleFeatures):
    def __init__(self) -> None:
        super().__init__()
        self.filters += 0.1 * torch.randn_like(self.filters)


@wrong("features with dropout", "features", "test_train_mode_and_eval_mode_agree")
class Dropping(features.ExampleFeatures):
    def forward(self, images: Tensor) -> Tensor:
        return torch.dropout(super().forward(images), 0.5, self.training)


@wrong("no tanh at the end", "generators", "test_fakes_lie_between_minus_one_and_one", width=4, blocks=1)
class Unbounded(generator.ExampleGenerator):
    def forward(self, photo: Tensor) -> Tensor:
        return torch.atanh(super().forward(photo).clamp(-0.999, 0.999)) * 0.7


@wrong("does not say which sides fit", "generators", "test_side_multiple_says_which_sides_fit", width=4, blocks=1)
class Sideless(generator.ExampleGenerator):
    side_multiple = 1


@wrong(
    "normalises over the batch in eval mode",
    "generators",
    "test_a_photo_by_itself_becomes_what_it_becomes_among_others",
    width=4,
    blocks=1,
)
class OverTheBatch(generator.ExampleGenerator):
    def forward(self, photo: Tensor) -> Tensor:
        return super().forward(photo - 0.5 * photo.mean((0, 2, 3), keepdim=True))


@wrong(
    "weights in a plain list",
    "generators",
    "test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened",
)
class Unregistered(generator.ExampleGenerator):
    """Each instance has a weight of its own that no state_dict knows of."""

    made = 0

    def __init__(self) -> None:
        super().__init__(width=4, blocks=1)
        Unregistered.made += 1
        self.hidden = [torch.tensor(0.9 - 0.01 * (Unregistered.made % 7))]

    def forward(self, photo: Tensor) -> Tensor:
        return self.hidden[0] * super().forward(photo)


@wrong(
    "features without the images",
    "generators",
    "test_features_that_it_offers_are_maps_of_the_images",
    width=4,
    blocks=1,
)
class Shifted(generator.ExampleGenerator):
    """Counts its layers from the first convolution."""

    def encode(self, images: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        features = images.repeat(1, 2, 1, 1)
        return tuple(features for _ in layers)


@wrong("features that would learn", "features", "test_they_are_fixed")
class Learning(features.ExampleFeatures):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * super().forward(images)


# -- objectives and losses


@wrong("real and fake logits in pairs", "objectives", "test_real_and_fake_views_may_differ_in_number")
class Paired(objective.ExampleObjective):
    def critic(self, logits: Logits) -> Tensor:
        return (1 + (logits.fake - logits.real)).relu().mean()


@wrong("real and fake swapped", "objectives", "test_the_critic_wants_real_logits_above_fake_ones")
class SwappedSides(objective.ExampleObjective):
    def critic(self, logits: Logits) -> Tensor:
        return super().critic(Logits(logits.fake, logits.real))


@wrong("the generator's sign is the critic's", "objectives", "test_the_generator_wants_fake_logits_higher")
class Backwards(objective.ExampleObjective):
    def generator(self, fake_logits: Tensor) -> Tensor:
        return fake_logits.square().mean() + fake_logits.mean()


@wrong("sums in place of means", "objectives", "test_the_number_of_logits_does_not_matter")
class Sums(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return (logits - 1).square().sum()

    def fake(self, logits: Tensor) -> Tensor:
        return logits.square().sum()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return self.real(fake_logits)


@wrong("the logarithm of a sigmoid", "objectives", "test_large_logits_give_finite_losses_and_gradients")
class Logarithm(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return -torch.log(torch.sigmoid(logits)).mean()

    def fake(self, logits: Tensor) -> Tensor:
        return -torch.log(1 - torch.sigmoid(logits)).mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return self.real(fake_logits)


@wrong("does not depend on the critic", "discriminator_losses", "test_the_critic_learns_by_it")
def careless() -> Callable[[CriticParts, Views, Logits], Tensor]:
    return lambda critic, views, logits: logits.real.detach().mean()


@wrong("leaves the critic in eval mode", "discriminator_losses", "test_the_critic_keeps_its_mode_and_its_weights")
def lingering() -> Callable[[CriticParts, Views, Logits], Tensor]:
    def loss(critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        critic.net.eval()
        return critic.logits(views.real.flip(-1)).square().mean()

    return loss


@wrong(
    "interpolates by chance from the global generator",
    "discriminator_losses",
    "test_only_the_steps_generator_is_drawn_from",
    "test_the_same_step_gives_the_same_loss",
)
def tutorial_penalty() -> Callable[[CriticParts, Views, Logits], Tensor]:
    """As gradient penalties are often written; the global generator goes on, so the same step gives another loss."""

    def loss(critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        share = torch.rand(len(views.real), 1, 1, 1)
        return critic.logits(share * views.real + (1 - share) * views.fake).square().mean()

    return loss


@wrong("only for three channels", "discriminator_losses", "test_views_of_one_channel")
def coloured() -> Callable[[CriticParts, Views, Logits], Tensor]:
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return lambda critic, views, logits: critic.logits(views.real * weights).square().mean()


@wrong("clamps the cartoons in place", "generator_losses", "test_the_input_is_left_as_it_is")
def clamping() -> Callable[[Step], Tensor]:
    def loss(step: Step) -> Tensor:
        step.batch.cartoon.clamp_(-0.5, 0.5)
        return (step.fake - step.batch.photo).abs().mean()

    return loss


@wrong(
    "counts its steps",
    "generator_losses",
    "test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened",
    "test_the_same_step_gives_the_same_loss",
)
class Calmer(generator_loss.ExampleLoss):
    """A weight that fades with the number of calls, which no checkpoint keeps and which is another each time."""

    calls: int = 0

    def __call__(self, step: Step) -> Tensor:
        object.__setattr__(self, "calls", self.calls + 1)
        return super().__call__(step) / self.calls


@wrong("a loss for each pixel", "generator_losses", "test_it_is_a_finite_scalar")
def per_pixel() -> Callable[[Step], Tensor]:
    return lambda step: (step.fake - step.batch.photo).abs().mean((0, 1))


@wrong("compares a detached fake", "generator_losses", "test_the_generator_learns_by_it")
def unlearnable() -> Callable[[Step], Tensor]:
    return lambda step: (step.fake.detach() - step.batch.photo).abs().mean()


@wrong(
    "the root of a distance that may be 0",
    "generator_losses",
    "test_a_fake_that_is_its_photo_has_a_finite_loss_and_gradient",
)
def rooted() -> Callable[[Step], Tensor]:
    return lambda step: (step.fake - step.batch.photo).square().mean((1, 2, 3)).sqrt().mean()


@wrong("a sum over the batch", "generator_losses", "test_the_size_of_the_batch_does_not_matter")
class OverBatch(generator_loss.ExampleLoss):
    def __call__(self, step: Step) -> Tensor:
        return super().__call__(step) * len(step.fake)


# -- data, metrics, observers

FEW = {"size": 32, "scenes": 4, "evaluation_scenes": 2}


@wrong("pictures from 0 to 1", "datasets", "test_pictures_are_uint8_or_floats_between_minus_one_and_one", **FEW)
class ZeroToOne(dataset.ExampleDataset):
    def train(self) -> tuple[Any, Any]:
        return Halved(self, "photo"), dataset.Drawn(self, "cartoon")


class Halved(dataset.Drawn):
    def __getitem__(self, index: int, /) -> Tensor:
        return (super().__getitem__(index) + 1) / 2


@wrong("a picture is another each time", "datasets", "test_a_picture_is_the_same_whenever_it_is_asked_for", **FEW)
class Restless(dataset.ExampleDataset):
    """By a counter: a worker's copy begins anew, so what it sends is compared at equal counts."""

    def train(self) -> tuple[Any, Any]:
        return Fading(self, "photo"), dataset.Drawn(self, "cartoon")


class Fading(dataset.Drawn):
    times = 0

    def __getitem__(self, index: int, /) -> Tensor:
        picture = super().__getitem__(index)
        if index == 1:  # the first picture is left alone: others look at it
            Fading.times += 1
        return picture * (0.5 + 0.1 * (Fading.times % 5)) if index == 1 else picture


@wrong("samples that share a name", "datasets", "test_samples_have_names_of_their_own_and_photos_in_range", **FEW)
class Namesakes(dataset.ExampleDataset):
    def evaluation(self) -> list[Sample]:
        return [replace(sample, name="balls") for sample in super().evaluation()]


@wrong("a manifest with the time in it", "datasets", "test_the_manifest_is_json_and_says_what_the_data_are", **FEW)
class Dated(dataset.ExampleDataset):
    def manifest(self) -> Mapping[str, Any]:
        import time

        return {**super().manifest(), "made": time.perf_counter_ns()}


@wrong("a lambda in the data set", "datasets", "test_worker_processes_can_have_it", **FEW)
class Unsendable(dataset.ExampleDataset):
    def train(self) -> tuple[Any, Any]:
        return Transformed(self, "photo"), dataset.Drawn(self, "cartoon")


class Transformed(dataset.Drawn):
    def __init__(self, owner: Any, what: str) -> None:
        super().__init__(owner, what)
        object.__setattr__(self, "change", lambda picture: picture.flip(-1))


@wrong("lines as numbers, not as truth values", "datasets", "test_the_truth_fits_the_photo", **FEW)
class FloatLines(dataset.ExampleDataset):
    def evaluation(self) -> list[Sample]:
        lines = [torch.zeros(sample.photo.shape[1:]) for sample in super().evaluation()]
        return [
            replace(sample, truth=Truth(None, drawn, None, None))
            for sample, drawn in zip(super().evaluation(), lines, strict=True)
        ]


@wrong("pairs of two numbers", "datasets", "test_pairs_are_as_many_and_of_one_size", **FEW)
class Lonely(dataset.ExampleDataset):
    def pairs(self) -> tuple[Any, Any]:
        return dataset.Drawn(self, "photo"), dataset.Drawn(replace(self, scenes=3), "photo")


class ToTruth(metric.ExampleMetric):
    """A right metric: the distance from the true cartoon."""

    needs = frozenset({"cartoon"})
    leads = True

    def update(self, fake: Tensor, sample: Sample) -> None:
        assert sample.truth is not None
        assert sample.truth.cartoon is not None
        self.numbers.append(float((fake - sample.truth.cartoon).square().mean()))


@wrong("a distance of which more is better", "metrics", "test_imitations_of_the_truth_score_better_than_the_photo")
class WrongSign(ToTruth):
    higher_is_better = True


@wrong("needs a truth that it does not name", "metrics", "test_it_needs_nothing_that_it_does_not_say")
class Silent(ToTruth):
    needs = frozenset()


@wrong("keeps its numbers in the class", "metrics", "test_a_copy_measures_for_itself")
class Shared(metric.ExampleMetric):
    kept: list[float] = []  # noqa: RUF012

    def __init__(self) -> None:
        self.numbers = self.kept
        self.numbers.clear()

    def __deepcopy__(self, memo: Any) -> Shared:
        copied = Shared.__new__(Shared)
        copied.numbers = self.numbers
        return copied


@wrong("only the first fake counts", "metrics", "test_the_first_sample_is_not_all")
class FirstOnly(metric.ExampleMetric):
    """By its name, so that the order does not matter."""

    def update(self, fake: Tensor, sample: Sample) -> None:
        if sample.name == "sample-0":
            super().update(fake, sample)

    def compute(self) -> Mapping[str, float]:
        return super().compute()


@wrong("a division by zero for pictures of one colour", "metrics", "test_results_are_finite_numbers_by_name")
class Undefined(metric.ExampleMetric):
    def compute(self) -> Mapping[str, float]:
        mean = super().compute()["example"]
        return {"example": mean if mean > 1 else float("nan")}


@wrong("a method that is not marked", "observers", "test_methods_that_are_named_like_hooks_are_marked")
class Unmarked(observer.ExampleObserver):
    def on_run_start(self, run: Run) -> None:
        """Never heard."""


@wrong("a hook that does not exist", "observers", "test_marked_methods_are_hooks_that_exist")
class Misnamed(observer.ExampleObserver):
    """pluggy refuses it, too."""

    @hookimpl
    def on_run_ended(self, run: Run) -> None:
        """There is on_run_end."""


@wrong("fails when a run has failed", "observers", "test_a_run_that_fails")
class Optimistic(observer.ExampleObserver):
    @hookimpl
    def on_run_end(self, run: Run, outcome: Any) -> None:
        assert outcome.status != "failed" or outcome.metrics["lines"]


@wrong("takes an argument that the hook has not", "observers", "test_arguments_are_those_of_the_hooks")
class Demanding(observer.ExampleObserver):
    @hookimpl
    def on_checkpoint(self, run: Run, weights: Any) -> None:
        """There is `path`."""


@wrong("rewrites the run's own file", "observers", "test_the_runs_own_files_are_left_as_they_are")
class Tidying(observer.ExampleObserver):
    @hookimpl
    def on_run_end(self, run: Run) -> None:
        (run.directory / "metrics.jsonl").write_text("")


# -- post-processors


Pixels = NDArray[np.uint8]


@wrong("pictures of floats", "postprocessors", "test_pictures_keep_their_size_and_type")
def floats() -> Callable[[Pixels, Pixels], Any]:
    return lambda fake, photo: fake / 2 + photo / 2


@wrong("writes into the fake", "postprocessors", "test_the_input_is_left_as_it_is")
def overwriting() -> Callable[[Pixels, Pixels], Pixels]:
    def touch(fake: Pixels, photo: Pixels) -> Pixels:
        fake[fake < 40] = 0
        return fake

    return touch


@wrong("divides whole numbers by a range of 0", "postprocessors", "test_one_colour_has_a_result")
def dividing() -> Callable[[Pixels, Pixels], Pixels]:
    def stretch(fake: Pixels, photo: Pixels) -> Pixels:
        low, high = int(fake.min()), int(fake.max())
        table = [255 * (level - low) // (high - low) for level in range(low, high + 1)]
        return np.array(table, np.uint8)[fake - np.uint8(low)]

    return stretch


@wrong("grain that nobody seeded", "postprocessors", "test_the_same_pictures_give_the_same_result")
def grainy() -> Callable[[Pixels, Pixels], Pixels]:
    return lambda fake, photo: fake ^ np.random.default_rng().integers(0, 4, fake.shape, np.uint8)


@wrong("messages that come twice", "executors", "test_messages_come_in_their_order", device="cpu")
class Repeating(LocalExecutor):
    def submit(self, function: Any, /, *arguments: Any, key: str, on_message: Any = print, **options: Any) -> Any:
        def twice(message: Any) -> None:
            on_message(message)
            on_message(message)

        return super().submit(function, *arguments, key=key, on_message=twice, **options)


@wrong("another reason than the one given", "executors", "test_a_task_is_stopped_by_its_key", device="cpu")
class Paraphrasing(LocalExecutor):
    def stop(self, key: str, reason: str) -> None:
        super().stop(key, f"stopped: {reason}")


@wrong("a stop that outlives its task", "executors", "test_a_key_may_come_again", device="cpu")
class Unforgiving(LocalExecutor):
    def submit(self, function: Any, /, *arguments: Any, key: str, **options: Any) -> Any:
        reason = self._stops.get(key)
        future = super().submit(lambda context: time.sleep(0.2) or function(*arguments, context), key=key, **options)
        if reason:
            self.stop(key, reason)
        return future


@wrong("a slot that it does not have", "executors", "test_a_task_has_one_of_the_slots", device="cpu")
class Inventive(LocalExecutor):
    def __init__(self, device: str = "auto") -> None:
        super().__init__(device=device)
        self.slots = [replace(slot, host="elsewhere") for slot in self.slots]
