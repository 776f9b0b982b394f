"""CTSS's choice and its gray patches, and what all samplers that share its saliency promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import Context, PartError, Views, crop
from toonlab.ops.patch_grid import Grid
from toonlab_ctss.multiscale import CTSSMultiscale
from toonlab_ctss.sampler import CTSS, GrayMinMax, Salient
from toonlab_ctss.variants import SaliencyNMS, SaliencyRandom

GOLDEN_RUNS = [("cartoon_s48", "cartoon", "stride_real", 48), ("photo_s72", "photo", "stride_fake", 72)]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(("run", "batch", "stride", "step"), GOLDEN_RUNS)
def test_choice_and_scores_match_ctss(golden, inputs, run: str, batch: str, stride: str, step: int):
    arrays, sampler = golden("ctss_sampler"), CTSS()
    boxes, scores = sampler.choose(inputs[batch], stride)
    assert boxes.dtype == torch.int64
    assert np.array_equal(boxes[:, :3], arrays[f"{run}_batch_row_col"])
    assert np.array_equal(boxes[:, 3:], np.full((16, 2), 96))
    np.testing.assert_allclose(scores, arrays[f"{run}_topk_scores"], rtol=1e-5)
    grid = Grid.of(inputs[batch], sampler.patch_size, getattr(sampler, stride))
    everything = grid.sums(sampler.saliency(inputs[batch]))
    # absolute: the original's 1 - 1 / (1 + x) has steps of 6e-8, which 96 * 96 pixels add up
    np.testing.assert_allclose(everything.flatten(), arrays[f"{run}_all_scores"], rtol=1e-5, atol=1e-3)
    index = (boxes[:, 0] * grid.rows + boxes[:, 1] // step) * grid.columns + boxes[:, 2] // step
    assert np.array_equal(index, arrays[f"{run}_index"])


@pytest.mark.parametrize(
    ("batch", "stride", "expected"),
    [
        ("cartoon", "stride_real", [3, 5, 4, 4]),
        ("photo", "stride_fake", [8, 3, 5, 0]),
        ("photo", "stride_real", [8, 1, 7, 0]),
        ("mixed", "stride_fake", [3, 4, 9, 0]),
    ],
)
def test_patches_per_image_match_ctss(inputs, batch: str, stride: str, expected: list[int]):
    boxes, _ = CTSS().choose(inputs[batch], stride)
    assert torch.bincount(boxes[:, 0], minlength=4).tolist() == expected


@pytest.mark.parametrize(("name", "normalised"), [("dgray", False), ("dnorm", True)])
def test_gradient_matches_ctss(golden, inputs, name: str, normalised: bool):
    """Of sum(w * patch) over gray patches, w[k, i, j] = cos(0.37 k + 0.11 i + 0.07 j)."""
    arrays = golden("ctss_sampler_grad_img02")
    images = inputs["cartoon"].clone().requires_grad_()
    views = CTSS()(Views(real=images, fake=images.detach()))
    gray = GrayMinMax()(views).real[:, 0] if normalised else views.real.sum(dim=1)  # (16, 96, 96)
    k, i, j = np.ogrid[:16, :96, :96]
    (gray * torch.from_numpy(np.cos(0.37 * k + 0.11 * i + 0.07 * j).astype(np.float32))).sum().backward()

    gradient, prefix = images.grad, f"cartoon_s48_{name}"
    assert torch.equal(gradient[:, 0], gradient[:, 1])
    assert torch.equal(gradient[:, 0], gradient[:, 2])
    np.testing.assert_allclose(gradient[[0, 2], 0], arrays[prefix], rtol=0, atol=2e-5)
    total = gradient[:, 0].double()
    np.testing.assert_allclose(total.sum((1, 2)), arrays[f"{prefix}_sum_per_image"], rtol=0, atol=2e-3)
    np.testing.assert_allclose(total.abs().sum((1, 2)), arrays[f"{prefix}_abssum_per_image"], rtol=1e-5)


@st.composite
def cases(draw: st.DrawFn) -> tuple[CTSS, Tensor]:
    """A sampler and images that it can work on, among them even ones."""
    count, height, width = draw(st.integers(1, 3)), draw(st.integers(2, 24)), draw(st.integers(2, 24))
    size = draw(st.integers(1, min(height, width)))
    stride = draw(st.sampled_from([0.05, 0.25, 0.5, 0.75, 1.0, 1.6]))
    step = max(1, round(stride * size))
    candidates = ((height - size) // step + 1) * ((width - size) // step + 1)
    sampler = CTSS(
        patch_size=size,
        stride_real=stride,
        stride_fake=stride,
        k=draw(st.integers(1, min(candidates, 6))),
        rank=draw(st.sampled_from(["batch", "image"])),
        normalise=draw(st.sampled_from(["batch", "image"])),
        guided_radius=draw(st.integers(0, 5)),
        score=draw(st.sampled_from(["sum", "max"])),
    )
    images = noise(count, 3, height, width, seed=draw(st.integers(0, 99)))
    images[draw(st.lists(st.booleans(), min_size=count, max_size=count))] = 0.3
    return sampler, images


def reference(sampler: CTSS, images: Tensor) -> tuple[list[list[int]], list[float]]:
    """Cuts out every patch, scores it, and sorts as Python does: stably."""
    size, step = sampler.patch_size, max(1, round(sampler.stride_real * sampler.patch_size))
    candidates = []
    for image, heat in enumerate(sampler.saliency(images).double()):
        for top in range(0, images.shape[2] - size + 1, step):
            for left in range(0, images.shape[3] - size + 1, step):
                patch = heat[top : top + size, left : left + size]
                score = patch.sum() if sampler.score == "sum" else patch.amax()
                candidates.append((score.float().item(), [image, top, left, size, size]))
    count = len(images)
    groups = (
        [candidates] if sampler.rank == "batch" else [[c for c in candidates if c[1][0] == i] for i in range(count)]
    )
    keep = sampler.k * count // len(groups)
    best = [c for group in groups for c in sorted(group, key=lambda c: -c[0])[:keep]]
    return [box for _, box in best], [score for score, _ in best]


@given(cases())
def test_choice_is_that_of_the_reference(case: tuple[CTSS, Tensor]):
    sampler, images = case
    boxes, scores = sampler.choose(images, "stride_real")
    expected_boxes, expected_scores = reference(sampler, images)
    assert boxes.tolist() == expected_boxes
    torch.testing.assert_close(scores, torch.tensor(expected_scores))


@given(cases())
def test_patches_are_cut_from_the_unfiltered_images(case: tuple[CTSS, Tensor]):
    sampler, images = case
    views = sampler(Views(real=images, fake=images.flip(0)))
    for patches, boxes, source in [
        (views.real, views.real_boxes, images),
        (views.fake, views.fake_boxes, images.flip(0)),
    ]:
        for patch, (image, top, left, height, width) in zip(patches, boxes.tolist(), strict=True):
            assert torch.equal(patch, source[image, :, top : top + height, left : left + width])


def test_each_domain_has_its_stride_and_may_have_its_size():
    sampler = CTSS(patch_size=16, stride_real=0.5, stride_fake=0.75, k=2)
    views = sampler(Views(real=noise(2, 3, 48, 64), fake=noise(3, 3, 40, 40)))
    assert views.real.shape == (4, 3, 16, 16)
    assert views.fake.shape == (6, 3, 16, 16)
    assert torch.all(views.real_boxes[:, 1:3] % 8 == 0)
    assert torch.all(views.fake_boxes[:, 1:3] % 12 == 0)
    assert views.real_scores.shape == (4,)
    assert views.fake_scores.shape == (6,)


def test_context_is_carried_along():
    context = Context(noise(1, 3, 32, 32), torch.nn.Identity(), torch.Generator(), step=7)
    views = Views(real=noise(1, 3, 32, 32), fake=noise(1, 3, 32, 32), context=context)
    assert CTSS(patch_size=16, k=1)(views).context is context


def test_gradient_reaches_the_pixels_and_nothing_else():
    images = noise(2, 3, 40, 40).requires_grad_()
    views = CTSS(patch_size=16, k=2)(Views(real=images, fake=images))
    assert not views.fake_scores.requires_grad
    views.fake.sum().backward()
    covered = torch.zeros(2, 40, 40)
    for image, top, left, height, width in views.fake_boxes.tolist():
        covered[image, top : top + height, left : left + width] += 1
    assert torch.equal(images.grad, covered[:, None].expand_as(images))


@pytest.mark.parametrize("score", ["sum", "max"])
@pytest.mark.parametrize("normalise", ["batch", "image"])
def test_even_images_score_0_and_the_first_places_are_chosen(normalise: str, score: str):
    images = torch.tensor([0.1, -0.7]).view(2, 1, 1, 1).expand(2, 3, 32, 32)
    for rank, expected in [
        ("batch", [[0, 0, 0], [0, 0, 8], [0, 0, 16], [0, 8, 0]]),
        ("image", [[0, 0, 0], [0, 0, 8], [1, 0, 0], [1, 0, 8]]),
    ]:
        sampler = CTSS(patch_size=16, k=2, rank=rank, normalise=normalise, score=score)
        boxes, scores = sampler.choose(images, "stride_real")
        assert boxes[:, :3].tolist() == expected
        assert torch.equal(scores, torch.zeros(4))


def test_of_equal_scores_the_earlier_image_comes_first():
    image = noise(1, 3, 48, 48)
    boxes, scores = CTSS(patch_size=16, k=3).choose(image.repeat(3, 1, 1, 1), "stride_real")
    assert boxes[:3, 0].tolist() == [0, 1, 2]
    assert torch.equal(scores[0::3], scores[1::3])


def test_the_most_textured_place_is_found():
    images = torch.zeros(1, 3, 64, 64)
    images[:, :, 32:48, 16:32] = noise(3, 16, 16).sign()
    boxes, _ = CTSS(patch_size=16, stride_real=0.01, k=1, guided_radius=0).choose(images, "stride_real")
    top, left = boxes[0, 1:3].tolist()
    assert abs(top - 32) <= 1
    assert abs(left - 16) <= 1


def test_best_ranks_any_heat_map():
    edges = torch.zeros(2, 48, 48)
    edges[1, 8:24, 16:32] = 1
    edges[0, 40:48, 40:48] = 1
    boxes, scores = CTSS(patch_size=16, stride_real=0.5, k=1).best(edges, "stride_real")
    assert boxes.tolist() == [[1, 8, 16, 16, 16], [1, 0, 16, 16, 16]]  # of the four that hold half of it, the upper
    assert scores.tolist() == [256, 128]


def test_bf16_images_are_ranked_in_float32():
    images = noise(2, 3, 48, 48).to(torch.bfloat16)
    sampler = CTSS(patch_size=16)
    views = sampler(Views(real=images, fake=images))
    assert views.real.dtype == torch.bfloat16
    assert torch.equal(views.real_boxes, sampler.choose(images.float(), "stride_real")[0])


def test_no_value_is_read_on_the_way():
    """Which would synchronise a GPU, and fails for tensors that have none."""
    images = torch.empty(2, 3, 48, 64, device="meta")
    for rank, score in [("batch", "sum"), ("image", "max")]:
        views = CTSS(patch_size=16, k=3, rank=rank, score=score)(Views(real=images, fake=images))
        assert views.fake.shape == (6, 3, 16, 16)


def test_k_too_large_says_which_fits():
    message = (
        "ctss: k=20 patches per image, but stride_real=0.5 of patch_size=96 gives 16 positions in a 256x256 image; "
        "k can be at most 16"
    )
    with pytest.raises(PartError) as caught:
        CTSS(k=20).choose(torch.zeros(1, 3, 256, 256), "stride_real")
    assert str(caught.value) == message


def test_k_may_be_all_there_are():
    boxes, _ = CTSS(k=16).choose(noise(1, 3, 256, 256), "stride_real")
    assert len(boxes.unique(dim=0)) == 16


def test_a_patch_larger_than_the_image_is_an_error():
    with pytest.raises(PartError, match="patch_size=96 does not fit an image of 128x64 pixels"):
        CTSS().choose(torch.zeros(1, 3, 64, 128), "stride_real")


def test_images_without_colour_are_an_error():
    with pytest.raises(PartError, match=r"ctss: expected \(B, 3, H, W\) float, got \(1, 1, 128, 128\)"):
        CTSS().choose(torch.zeros(1, 1, 128, 128), "stride_real")


SAMPLERS = [SaliencyRandom, SaliencyNMS, CTSSMultiscale]


each = pytest.mark.parametrize("sampler", SAMPLERS)


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
def test_bf16_images_are_ranked_in_float32_by_each(sampler: type[Salient]):
    images = noise(2, 3, 48, 48).to(torch.bfloat16)
    seen = sampler(patch_size=16, k=2)(views(images, images))
    assert seen.real.dtype == torch.bfloat16
    assert torch.equal(seen.real_boxes, sampler(patch_size=16, k=2)(views(images.float(), images)).real_boxes)


@each
def test_no_value_is_read_on_the_way_of_each(sampler: type[Salient]):
    images = torch.empty(2, 3, 48, 64, device="meta")
    seen = sampler(patch_size=16, k=3)(views(images, images))
    assert seen.fake.shape[1:] == (3, 16, 16)
    assert len(seen.fake) == len(seen.fake_boxes) == (18 if sampler is CTSSMultiscale else 6)


@each
@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        (torch.zeros(1, 3, 64, 128), {}, "NAME.*does not fit an image of 128x64 pixels|patch_size=96 does not fit"),
        (torch.zeros(1, 1, 128, 128), {}, r"NAME: expected \(B, 3, H, W\) float, got \(1, 1, 128, 128\)"),
        (torch.zeros(1, 3, 256, 256), {"k": 99}, r"NAME.*k=99 patches per image.*k can be at most \d+"),
    ],
)
def test_images_that_do_not_suit(sampler: type[Salient], images: Tensor, settings: dict[str, int], message: str):
    with pytest.raises(PartError, match=message.replace("NAME", sampler.name)):
        sampler(**settings)(views(images, images))


@each
def test_context_is_carried_along_by_each(sampler: type[Salient]):
    given = views(noise(1, 3, 32, 32), noise(1, 3, 32, 32))
    seen = sampler(patch_size=16, k=1)(replace(given, value_range=(-1.0, 1.0)))
    assert seen.context is given.context


def gray(patches: torch.Tensor) -> torch.Tensor:
    return GrayMinMax()(Views(real=patches, fake=patches[:0])).real


@pytest.mark.parametrize(("run", "batch"), [("cartoon_s48", "cartoon"), ("photo_s72", "photo")])
def test_gray_patches_match_ctss(golden, inputs, run: str, batch: str):
    arrays = golden("ctss_sampler")
    corners = torch.from_numpy(arrays[f"{run}_batch_row_col"]).long()
    patches = crop(inputs[batch], torch.cat([corners, torch.full((16, 2), 96)], dim=1))
    total = patches.sum(dim=1)
    np.testing.assert_allclose(total.amin((1, 2)), arrays[f"{run}_gray_min"], rtol=1e-6)
    np.testing.assert_allclose(total.amax((1, 2)), arrays[f"{run}_gray_max"], rtol=1e-6)
    normalised = gray(patches)
    np.testing.assert_allclose(normalised[:4, 0], arrays[f"{run}_norm_gray_first4"][..., 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(normalised.double().sum((1, 2, 3)), arrays[f"{run}_norm_gray_sum"], rtol=1e-6)


def test_one_channel_that_fills_the_unit_interval():
    patches = torch.rand(5, 3, 7, 9, generator=torch.Generator().manual_seed(0)) * 0.2 - 0.9
    views = GrayMinMax()(Views(real=patches, fake=patches[:2]))
    assert views.value_range == (0.0, 1.0)
    assert views.real.shape == (5, 1, 7, 9)
    assert views.fake.shape == (2, 1, 7, 9)
    assert torch.equal(views.real.amin((1, 2, 3)), torch.zeros(5))
    torch.testing.assert_close(views.real.amax((1, 2, 3)), torch.ones(5))


def test_contrast_and_brightness_of_a_patch_do_not_show():
    patches = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gray(0.3 * patches - 0.5), gray(patches))


def test_an_even_patch_is_0_with_a_finite_gradient():
    patches = torch.full((1, 3, 4, 4), 0.3, requires_grad=True)
    normalised = gray(patches)
    assert torch.equal(normalised, torch.zeros(1, 1, 4, 4))
    normalised[0, 0, 0, 0].backward()
    assert patches.grad.isfinite().all()


def test_boxes_are_carried_along():
    boxes = torch.tensor([[0, 1, 2, 4, 4]])
    patches = torch.zeros(1, 3, 4, 4)
    assert GrayMinMax()(Views(real=patches, fake=patches, real_boxes=boxes)).real_boxes is boxes


def test_patches_without_colour_are_an_error():
    with pytest.raises(PartError, match="gray_minmax: expected"):
        gray(torch.zeros(1, 1, 4, 4))
