"""The metrics on the benchmark that they are for: truth above all else, and the unmodified photo near the bottom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from toonlab import Sample
from toonlab_metrics import register_metrics
from toonlab_metrics.outline import OutlineF1
from toonlab_world import register_datasets

Fakes = Callable[[Sample], Tensor]


@pytest.fixture(scope="module", params=["soft", "bold", "flat"])
def samples(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Sample]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOONLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        world = register_datasets()["toonworld"](style=request.param, size=128, evaluation_scenes=6, difficulty=0)
        return list(world.evaluation())


def f1(samples: Sequence[Sample], fake_of: Fakes) -> float:
    metric = OutlineF1()
    for sample in samples:
        metric.update(fake_of(sample), sample)
    return metric.compute()["outline_f1"]


def truth(sample: Sample) -> Tensor:
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    return sample.truth.cartoon


def test_the_true_cartoon_scores_at_least_95_percent(samples: Sequence[Sample]) -> None:
    assert f1(samples, truth) >= 0.95


def test_the_untouched_photo_scores_far_less(samples: Sequence[Sample]) -> None:
    assert f1(samples, lambda sample: sample.photo) < 0.55


def test_the_score_grows_as_the_lines_come_out(samples: Sequence[Sample]) -> None:
    scores = [f1(samples, lambda s, a=share: a * truth(s) + (1 - a) * s.photo) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert scores == sorted(scores)
    assert scores[-1] - scores[0] > 0.4


def test_outlines_of_another_scene_do_not_count(samples: Sequence[Sample]) -> None:
    others = dict(zip((s.name for s in samples), (truth(s) for s in [*samples[1:], samples[0]]), strict=True))
    assert f1(samples, lambda sample: others[sample.name]) < 0.45


def test_noise_earns_no_more_than_chance(samples: Sequence[Sample]) -> None:
    draws = torch.Generator().manual_seed(0)
    assert f1(samples, lambda sample: torch.rand(sample.photo.shape, generator=draws) * 2 - 1) < 0.5


@pytest.mark.parametrize("name", ["outline_f1", "psnr", "ssim"])
def test_every_metric_puts_the_truth_first(samples: Sequence[Sample], name: str) -> None:
    def score(fake_of: Fakes) -> float:
        metric = register_metrics()[name]()
        for sample in samples:
            metric.update(fake_of(sample), sample)
        return metric.compute()[name]

    blank: Fakes = lambda sample: torch.zeros_like(sample.photo)
    assert score(truth) > max(score(lambda sample: sample.photo), score(blank))
