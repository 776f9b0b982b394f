"""Lines: the truth has 1, other scenes' truth and patterns have about 0, and no pixel counts twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from toonlab import Sample, ToonlabError, Truth
from toonlab_metrics.degenerate import PATTERNS, degenerates
from toonlab_metrics.lines import Lines, f1, matches, matching_distance, thinned
from toonlab_world import register_datasets


@pytest.fixture(scope="module")
def samples() -> Sequence[Sample]:
    return list(register_datasets()["toonworld"](size=96, evaluation_scenes=9, difficulty=0).evaluation())


def truth(sample: Sample) -> Tensor:
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    return sample.truth.cartoon


def score(samples: Sequence[Sample], fakes: Sequence[Tensor], **parameters: int) -> float:
    metric = Lines(**parameters)
    for fake, sample in zip(fakes, samples, strict=True):
        metric.update(fake, sample)
    return metric.compute()["lines"]


def test_the_truth_has_one_and_the_photo_little(samples: Sequence[Sample]) -> None:
    assert score(samples, [truth(sample) for sample in samples]) == pytest.approx(1)
    assert score(samples, [sample.photo for sample in samples]) < 0.2


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_have_nothing(samples: Sequence[Sample], name: str) -> None:
    assert score(samples, degenerates(samples, name)) < 0.1


def test_the_expected_score_of_another_scenes_truth_is_zero() -> None:
    scenes = list(register_datasets()["toonworld"](size=96, evaluation_scenes=48).evaluation())
    samples, others = scenes[:12], scenes[12:]
    found = [score(samples, [truth(sample) for sample in others[start : start + 12]]) for start in (0, 12, 24)]
    assert np.mean(found) == pytest.approx(0, abs=0.03)


def test_a_line_that_is_drawn_twice_or_beside_its_place_is_worse(samples: Sequence[Sample]) -> None:
    truths = [truth(sample) for sample in samples]
    for worse in ((0, 4), (3, 0)):
        moved = [torch.roll(image, worse, (1, 2)) for image in truths]
        twice = [torch.minimum(image, other) for image, other in zip(truths, moved, strict=True)]
        assert score(samples, moved) < score(samples, twice) < 0.9


def test_a_single_scene_is_compared_with_its_own_lines_mirrored(samples: Sequence[Sample]) -> None:
    one = samples[:1]
    assert score(one, [truth(one[0])]) == pytest.approx(1)
    assert score(one, degenerates(samples, "dots 3")[:1]) < 0.15


def test_scenes_of_other_sizes_are_no_chance_level(samples: Sequence[Sample]) -> None:
    small = list(register_datasets()["toonworld"](size=64, evaluation_scenes=1, difficulty=0).evaluation())
    mixed = [*samples[:2], *small]
    assert score(mixed, [truth(sample) for sample in mixed]) == pytest.approx(1)


def test_scenes_without_lines_count_not(samples: Sequence[Sample]) -> None:
    photo = samples[0].photo
    empty = Sample("empty", photo, Truth(photo * 0, torch.zeros(photo.shape[1:], dtype=torch.bool)))
    with pytest.raises(ToonlabError, match="lines: no samples to evaluate"):
        score([empty], [photo])
    both = [samples[0], samples[1], empty]
    assert score(both, [truth(sample) for sample in both]) == pytest.approx(1)


masks = arrays(np.bool_, (7, 6), elements=st.booleans())


@given(masks, masks, st.sampled_from([1.0, 1.5, 2.5]))
def test_as_many_pixels_match_one_to_one_as_possible(found: np.ndarray, true: np.ndarray, reach: float) -> None:
    """As an assignment problem says."""
    a, b = np.argwhere(found), np.argwhere(true)
    near = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) <= reach
    assert matches(found, true, reach) == near[linear_sum_assignment(near, maximize=True)].sum()


def test_f1_of_masks() -> None:
    empty, row = np.zeros((2, 9, 9), bool)
    row[4] = True
    assert (f1(empty, empty, 1.5), f1(empty, row, 1.5), f1(row, empty, 1.5), f1(row, row, 1.5)) == (1, 0, 0, 1)
    assert f1(np.roll(row, 1, axis=0), row, 1.5) == 1
    assert f1(np.roll(row, 2, axis=0), row, 1.5) == 0
    assert f1(row | np.roll(row, 1, axis=0), row, 1.5) == pytest.approx(2 / 3)


def test_the_distance_grows_with_the_picture() -> None:
    assert matching_distance((64, 64)) == 1.5
    assert matching_distance((300, 400)) == pytest.approx(3.75)


def test_thinned_lines_are_one_pixel_wide() -> None:
    thick = np.zeros((20, 20), bool)
    thick[8:12, 2:18] = True
    assert thinned(thick).sum(axis=0).max() == 1
