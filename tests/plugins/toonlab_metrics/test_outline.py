"""A metric is tested before it is trusted: what it must reward, and what must not fool it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor

from toonlab import Metric, PartError, Sample, ToonlabError, Truth
from toonlab_metrics.outline import OutlineF1, dark_lines, match


def drawing(size: int, seed: int = 0, line: float = 0.015) -> tuple[Tensor, Tensor, Tensor]:
    """Overlapping balls, outlined: cartoon and flat colours, `(3, size, size)` in [-1, 1], and outline, bool.

    `line` is the width of the outlines as a share of the picture's, at least two pixels.
    """
    rng = np.random.default_rng(seed)
    flat = np.full((size, size, 3), rng.uniform(0.4, 1, 3), np.float32)
    ink = np.zeros((size, size), np.float32)
    for _ in range(7):
        centre = [int(size * v) for v in rng.uniform(0.1, 0.9, 2)]
        radius = int(size * rng.uniform(0.06, 0.2))
        inside, edge = np.zeros((2, size, size), np.uint8)
        cv2.circle(inside, centre, radius, 255, -1)
        cv2.circle(edge, centre, radius, 255, max(2, round(line * size)), cv2.LINE_AA)
        flat[inside > 0] = rng.uniform(0.25, 1, 3)
        ink[inside > 0] = 0
        ink = np.maximum(ink, edge.astype(np.float32) / 255)
    cartoon = flat * (1 - ink[..., None]) + 0.07 * ink[..., None]
    images = [torch.from_numpy(array).permute(2, 0, 1) * 2 - 1 for array in (cartoon, flat)]
    return images[0], images[1], torch.from_numpy(ink > 0.5)


def photo(flat: Tensor, seed: int = 0) -> Tensor:
    """Flat colours as a camera would see them: lit from above, out of focus, textured, noisy."""
    size = flat.shape[-1]
    rng = np.random.default_rng(seed)
    texture = cv2.resize(rng.normal(0, 0.12, (size // 6, size // 6)).astype(np.float32), (size, size))
    light = np.linspace(1.0, 0.6, size, dtype=np.float32)[:, None] + texture
    seen = cv2.GaussianBlur((flat.permute(1, 2, 0).numpy() + 1) / 2 * light[..., None], (0, 0), size / 150)
    noisy = np.clip(seen + rng.normal(0, 0.03, seen.shape), 0, 1).astype(np.float32)
    return torch.from_numpy(noisy).permute(2, 0, 1) * 2 - 1


def score(fake: Tensor, outline: Tensor, **parameters: float) -> dict[str, float]:
    metric = OutlineF1(**parameters)
    metric.update(fake, Sample("a drawing", fake, Truth(outline=outline)))
    return metric.compute()


@pytest.mark.parametrize("size", [96, 128, 256, 512])
@pytest.mark.parametrize("seed", range(3))
def test_the_truth_scores_nearly_one(size: int, seed: int) -> None:
    cartoon, _, outline = drawing(size, seed)
    assert score(cartoon, outline)["outline_f1"] > 0.97


@pytest.mark.parametrize("line", [0.008, 0.012, 0.02, 0.025])
def test_so_it_does_for_outlines_of_any_usual_width(line: float) -> None:
    cartoon, _, outline = drawing(256, line=line)
    assert score(cartoon, outline)["outline_f1"] > 0.97


@pytest.mark.parametrize("value", [-1.0, -0.9, 0.0, 1.0])
def test_a_blank_picture_scores_nothing(value: float) -> None:
    _, _, outline = drawing(128)
    blank = torch.full((3, 128, 128), value)
    assert set(score(blank, outline).values()) == {0.0}


@pytest.mark.parametrize("seed", range(3))
def test_the_edges_of_flat_colours_are_no_outlines(seed: int) -> None:
    _, flat, outline = drawing(256, seed)
    assert score(flat, outline)["outline_f1"] < 0.05


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize("seed", range(3))
def test_a_photo_scores_far_less_than_the_truth(size: int, seed: int) -> None:
    _, flat, outline = drawing(size, seed)
    assert score(photo(flat, seed), outline)["outline_f1"] < 0.3


@pytest.mark.parametrize("kind", ["black", "noise", "speckle", "hatching"])
def test_darkness_all_over_does_not_pay(kind: str) -> None:
    _, _, outline = drawing(256)
    noise = torch.rand((3, 256, 256), generator=torch.Generator().manual_seed(0)) * 2 - 1
    speckle = torch.where(noise[:1] > 0.8, -1.0, 1.0).expand(3, -1, -1)
    hatching = torch.where(torch.arange(256) % 4 < 2, -1.0, 1.0).expand(3, 256, -1)
    fake = {"black": torch.full_like(noise, -1), "noise": noise, "speckle": speckle, "hatching": hatching}[kind]
    assert score(fake, outline)["outline_f1"] < 0.35


def test_a_dark_area_is_no_line() -> None:
    fake = torch.ones(3, 128, 128)
    fake[:, 30:90, 40:100] = -1
    assert dark_lines(fake, 0.04, 0.25).sum() <= 4  # its corners are as thin as a line


@pytest.mark.parametrize("row", [0, 1, 64, 127])
def test_a_line_is_found_to_the_pixel_at_the_border_too(row: int) -> None:
    fake = torch.ones(3, 128, 128)
    fake[:, row] = -0.8
    found = dark_lines(fake, 0.04, 0.25)
    assert found[row].all()
    assert found.sum() == 128


@pytest.mark.parametrize(("luma", "found"), [(0.5, False), (0.3, False), (0.26, True), (0.1, True)])
def test_a_line_must_be_darker_than_its_surroundings_by_the_contrast(luma: float, found: bool) -> None:
    fake = torch.zeros(3, 128, 128)  # luma 0.5: (0.5 - luma) / 0.6 > 0.4 below 0.26
    fake[:, 64] = luma * 2 - 1 - 1e-3
    assert dark_lines(fake, 0.04, 0.4).any() == found


def test_half_the_outlines_are_half_the_recall() -> None:
    cartoon, flat, outline = drawing(256)
    middle = int(torch.nonzero(outline)[:, 1].float().median())
    fake = torch.cat((cartoon[:, :, :middle], flat[:, :, middle:]), dim=2)
    scores = score(fake, outline)
    assert scores["outline_recall"] == pytest.approx(0.5, abs=0.03)
    assert scores["outline_precision"] > 0.97
    assert scores["outline_f1"] == pytest.approx(2 / 3, abs=0.03)


def test_twice_the_lines_are_half_the_precision() -> None:
    outline = torch.zeros(128, 128, dtype=torch.bool)
    outline[20::40] = True  # rows 20, 60, 100
    fake = torch.ones(3, 128, 128)
    fake[:, 20::20] = -1  # rows 20, 40, 60, 80, 100, 120
    scores = score(fake, outline)
    assert (scores["outline_precision"], scores["outline_recall"]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("shift", "tolerance", "expected"), [(0, 0, 1.0), (1, 0, 0.0), (1, 1, 1.0), (2, 1, 0.0), (2, 2, 1.0)]
)
def test_the_tolerance_is_in_pixels(shift: int, tolerance: int, expected: float) -> None:
    outline = torch.zeros(128, 128, dtype=torch.bool)
    outline[60] = True
    fake = torch.ones(3, 128, 128)
    fake[:, 60 + shift] = -1
    assert score(fake, outline, tolerance=tolerance)["outline_f1"] == expected


def test_the_leading_result_is_the_mean_of_each_pictures_f1() -> None:
    cartoon, _, outline = drawing(128)
    metric = OutlineF1()
    for fake in (cartoon, torch.ones_like(cartoon)):
        metric.update(fake, Sample("a drawing", fake, Truth(outline=outline)))
    results = metric.compute()
    assert list(results) == ["outline_f1", "outline_precision", "outline_recall"]
    assert results["outline_f1"] == pytest.approx(score(cartoon, outline)["outline_f1"] / 2)


MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))
PAIRS = st.integers(1, 12).flatmap(lambda n: st.tuples(*[arrays(np.bool_, (n, n))] * 2))


@given(MASKS, st.integers(0, 3))
def test_a_mask_matches_itself(mask: NDArray[np.bool_], tolerance: int) -> None:
    assert match(mask, mask, tolerance) == (1, 1, 1)


@given(PAIRS, st.integers(0, 3))
def test_precision_is_recall_seen_from_the_other_side(
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], tolerance: int
) -> None:
    f1, precision, recall = match(*masks, tolerance)
    assert match(masks[1], masks[0], tolerance) == (f1, recall, precision)
    assert 0 <= min(precision, recall) <= max(precision, recall) <= 1
    assert min(precision, recall) - 1e-9 <= f1 <= max(precision, recall) + 1e-9


@given(PAIRS, st.integers(0, 3))
def test_more_tolerance_never_lowers_a_score(
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], tolerance: int
) -> None:
    assert np.all(np.array(match(*masks, tolerance + 1)) >= np.array(match(*masks, tolerance)) - 1e-12)


def test_nothing_found_and_nothing_there_is_right_and_anything_else_wrong() -> None:
    none, some = np.zeros((4, 4), bool), np.eye(4, dtype=bool)
    assert match(none, none, 1) == (1, 1, 1)
    assert match(some, none, 1) == match(none, some, 1) == (0, 0, 0)


@pytest.mark.parametrize("turn", [lambda x: x.flip(-1), lambda x: x.flip(-2), lambda x: x.transpose(-1, -2)])
def test_mirrored_pictures_have_mirrored_lines(turn) -> None:
    cartoon, _, _ = drawing(96)
    lines = torch.from_numpy(dark_lines(cartoon, 0.04, 0.25))
    assert lines.any()
    assert torch.equal(torch.from_numpy(dark_lines(turn(cartoon), 0.04, 0.25)), turn(lines))


def test_a_fake_of_half_precision_or_beyond_the_range_is_measured_as_it_would_be_shown() -> None:
    cartoon, _, outline = drawing(128)
    assert score(cartoon.bfloat16(), outline)["outline_f1"] > 0.95
    assert score(cartoon * 4, outline) == score((cartoon * 4).clamp(-1, 1), outline)


def test_a_sample_without_an_outline_is_an_error_that_names_it() -> None:
    image = torch.zeros(3, 16, 16)
    for truth in (None, Truth(cartoon=image)):
        with pytest.raises(PartError, match=r"^outline_f1: sample 'scene 3' has no truth\.outline; evaluate on"):
            OutlineF1().update(image, Sample("scene 3", image, truth))


@pytest.mark.parametrize("shape", [(3, 16, 17), (1, 16, 16), (1, 3, 16, 16), (16, 16)])
def test_a_fake_of_another_shape_is_an_error_with_both_shapes(shape: tuple[int, ...]) -> None:
    sample = Sample("scene 3", torch.zeros(3, 16, 16), Truth(outline=torch.zeros(16, 16, dtype=torch.bool)))
    with pytest.raises(PartError, match=r"'scene 3' needs a fake of \(3, 16, 16\), got \("):
        OutlineF1().update(torch.zeros(shape), sample)


def test_no_samples_at_all_is_an_error() -> None:
    with pytest.raises(ToonlabError, match=r"^outline_f1: no samples to evaluate"):
        OutlineF1().compute()


def test_it_is_a_metric() -> None:
    metric = OutlineF1()
    assert isinstance(metric, Metric)
    assert (metric.needs, metric.higher_is_better) == (frozenset({"outline"}), True)
