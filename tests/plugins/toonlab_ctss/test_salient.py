"""What all samplers that share CTSS's saliency promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from toonlab import Context, PartError, Views, crop
from toonlab_ctss.multiscale import CTSSMultiscale
from toonlab_ctss.saliency_nms import SaliencyNMS
from toonlab_ctss.saliency_random import SaliencyRandom
from toonlab_ctss.salient import Salient

SAMPLERS = [SaliencyRandom, SaliencyNMS, CTSSMultiscale]
each = pytest.mark.parametrize("sampler", SAMPLERS)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def views(real: Tensor, fake: Tensor, seed: int = 0) -> Views:
    return Views(real, fake, context=Context(real, nn.Identity(), torch.Generator().manual_seed(seed), step=0))


@each
def test_choice_depends_on_images_and_key_alone(sampler: type[Salient]):
    real, fake = noise(2, 3, 40, 56), noise(1, 3, 56, 40, seed=1)
    before = torch.random.get_rng_state()
    first, again = (sampler(patch_size=16, k=2)(views(real, fake)) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    for name in ("real", "fake", "real_boxes", "fake_boxes", "real_scores", "fake_scores"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert torch.equal(real, noise(2, 3, 40, 56))


@each
def test_scores_are_those_of_the_boxes(sampler: type[Salient]):
    """Each domain with its stride, and its own size and shape."""
    made = sampler(patch_size=16, stride_real=0.5, stride_fake=0.75, k=2)
    given = views(noise(2, 3, 48, 64), noise(3, 3, 48, 48, seed=1))
    seen = made(given)
    for side in ("real", "fake"):
        images, boxes, patches = (
            getattr(owner, f"{side}{end}") for owner, end in [(given, ""), (seen, "_boxes"), (seen, "")]
        )
        heat = made.saliency(images)
        step = getattr(made, f"stride_{side}")
        for (image, top, left, height, width), score in zip(
            boxes.tolist(), getattr(seen, f"{side}_scores"), strict=True
        ):
            assert height == width
            assert top % round(step * height) == left % round(step * width) == 0
            total = heat[image, top : top + height, left : left + width].sum() * (16 / height) ** 2
            torch.testing.assert_close(score, total, rtol=1e-4, atol=1e-4)
        whole = boxes[:, 3] == 16
        assert torch.equal(patches[whole], crop(images, boxes[whole]))


@each
@pytest.mark.parametrize("score", ["sum", "max"])
def test_even_images_are_no_exception(sampler: type[Salient], score: str):
    images = torch.tensor([0.1, -0.7]).view(2, 1, 1, 1).expand(2, 3, 36, 48)
    seen = sampler(patch_size=16, k=2, score=score)(views(images, images))
    assert not seen.real_scores.any()
    assert seen.fake.isfinite().all()


@each
def test_one_image_is_chosen_from_as_among_others(sampler: type[Salient]):
    """Where images are normalised and ranked by themselves."""
    images = noise(3, 3, 48, 48)
    settings = {"patch_size": 16, "k": 2, "normalise": "image"}
    made = sampler(**settings, rank="image") if sampler is CTSSMultiscale else sampler(**settings)
    rngs = [torch.Generator().manual_seed(0) for _ in range(2)]
    alone, scores = made.choose(images[:1], "stride_real", rngs[0])
    boxes, others = made.choose(images, "stride_real", rngs[1])
    assert torch.equal(boxes[boxes[:, 0] == 0], alone)
    torch.testing.assert_close(others[boxes[:, 0] == 0], scores)


@each
def test_gradients_reach_the_pixels(sampler: type[Salient]):
    images = noise(1, 3, 6, 7).double().requires_grad_()
    made = sampler(patch_size=4, k=1, guided_radius=1)
    assert torch.autograd.gradcheck(lambda x: made(views(x.detach(), x)).fake, images)
    assert not made(views(images, images)).fake_scores.requires_grad


@each
def test_bf16_images_are_ranked_in_float32(sampler: type[Salient]):
    images = noise(2, 3, 48, 48).to(torch.bfloat16)
    seen = sampler(patch_size=16, k=2)(views(images, images))
    assert seen.real.dtype == torch.bfloat16
    assert torch.equal(seen.real_boxes, sampler(patch_size=16, k=2)(views(images.float(), images)).real_boxes)


@each
def test_no_value_is_read_on_the_way(sampler: type[Salient]):
    images = torch.empty(2, 3, 48, 64, device="meta")
    seen = sampler(patch_size=16, k=3)(views(images, images))
    assert seen.fake.shape[1:] == (3, 16, 16)
    assert len(seen.fake) == len(seen.fake_boxes) == (18 if sampler is CTSSMultiscale else 6)


@each
@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        (torch.zeros(1, 3, 64, 128), {}, "NAME.*does not fit an image of 64x128 pixels|patch_size=96 does not fit"),
        (torch.zeros(1, 1, 128, 128), {}, r"NAME: expected \(B, 3, H, W\) float, got \(1, 1, 128, 128\)"),
        (torch.zeros(1, 3, 256, 256), {"k": 99}, r"NAME.*k=99 patches per image.*k can be at most \d+"),
    ],
)
def test_images_that_do_not_suit(sampler: type[Salient], images: Tensor, settings: dict[str, int], message: str):
    with pytest.raises(PartError, match=message.replace("NAME", sampler.name)):
        sampler(**settings)(views(images, images))


@each
def test_context_is_carried_along(sampler: type[Salient]):
    given = views(noise(1, 3, 32, 32), noise(1, 3, 32, 32))
    seen = sampler(patch_size=16, k=1)(replace(given, value_range=(-1.0, 1.0)))
    assert seen.context is given.context
