"""What all metrics have in common (names, checks, what they tell about themselves), and what those of sets share."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from toonlab import Metric, PartError, Sample, ToonlabError, Truth
from toonlab.ops.levels import to_levels
from toonlab_metrics import METRICS, register_metrics
from toonlab_metrics.bases import Measurement, SetMetric
from toonlab_metrics.degrade import DEGRADATIONS

NETWORKS = ("kid", "fid", "fd_dinov2", "kid_clip", "precision_recall")
WITHOUT_WEIGHTS = [metric for metric in METRICS if metric.name not in NETWORKS]


def noise(seed: int, size: int = 48) -> Tensor:
    return torch.rand((3, size, size), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def sample(size: int = 48) -> Sample:
    """A photo with the whole truth: two regions, an outline between them."""
    regions = torch.zeros(size, size, dtype=torch.int64)
    regions[size // 2 :] = 1
    outline = torch.zeros(size, size, dtype=torch.bool)
    outline[size // 2] = True
    flat = torch.where(regions > 0, 0.5, -0.2).expand(3, -1, -1).clone()
    truth = Truth(torch.where(outline, -1.0, flat), outline, regions, flat)
    return Sample("IMG_7", noise(0, size), truth)


def ready(metric: type[Measurement]) -> Measurement:
    made = metric()
    if hasattr(made, "reference"):
        made.reference([noise(seed) for seed in range(3)])
    return made


@pytest.mark.parametrize("metric", WITHOUT_WEIGHTS, ids=lambda metric: metric.name)
def test_each_is_a_metric_whose_first_result_has_its_name(metric: type[Measurement]) -> None:
    made = ready(metric)
    assert isinstance(made, Metric)
    for seed in range(2):
        made.update(noise(seed + 5), sample())
    results = made.compute()
    assert next(iter(results)) == metric.name
    assert all(math.isfinite(value) for value in results.values())
    about = made.describe()
    assert (about["n"], about["size"]) == (2, "48x48")
    assert about["resizer"] == "none"
    assert about.get("cartoons", 3) == 3


@pytest.mark.parametrize("metric", WITHOUT_WEIGHTS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_pixels_that_are_no_numbers_are_an_error_that_names_the_picture(metric: type[Measurement], bad: float) -> None:
    fake = noise(1)
    fake[1, 2, 3:5] = bad
    with pytest.raises(PartError, match=rf"^{metric.name}: the fake of 'IMG_7' has values that are NaN or infinite: 2"):
        ready(metric).update(fake, sample())


@pytest.mark.parametrize("metric", WITHOUT_WEIGHTS, ids=lambda metric: metric.name)
def test_no_samples_and_a_wrong_shape_are_errors(metric: type[Measurement]) -> None:
    with pytest.raises(ToonlabError, match=f"^{metric.name}: no samples to evaluate"):
        ready(metric).compute()
    with pytest.raises(PartError, match=rf"^{metric.name}: sample 'IMG_7' needs a fake of \(3, .*got \(1, 48, 48\)"):
        ready(metric).update(noise(0)[:1], sample())


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_claims_are_about_what_there_is(metric: type[Measurement]) -> None:
    assert metric.sees
    assert metric.sees | metric.ignores <= DEGRADATIONS.keys()
    assert not metric.sees & metric.ignores
    assert metric.best in ("truth", "identity")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_that_may_not_lead_says_why(metric: type[Measurement]) -> None:
    assert metric.leads or metric.caveat
    assert not (metric.leads and metric.best == "identity")


@pytest.mark.parametrize("name", ["outline_f1", "lines", "surfaces"])
def test_scores_are_those_of_the_samples_and_none_where_there_is_nothing(name: str) -> None:
    metric, line = register_metrics()[name](), torch.zeros(48, 48, dtype=torch.bool)
    line[24] = True
    cartoon = torch.where(line, -1.0, 0.5).expand(3, -1, -1)
    nothing = Truth(cartoon * 0 + 0.5, torch.ones_like(line), line.long(), cartoon)
    whole = Truth(cartoon, line, line.long(), cartoon)
    for number, truth in enumerate((whole, nothing, whole)):
        metric.update(noise(number), Sample(str(number), noise(9), truth))
    result = metric.compute()[name]
    scores = metric.scores()[name]
    assert len(scores) == 3
    assert (scores[1] is None) == (name != "outline_f1")
    assert result == pytest.approx(sum(score for score in scores if score is not None) / (3 - scores.count(None)))


def test_of_the_metrics_against_the_truth_only_what_no_pattern_fools_leads_and_is_not_marked() -> None:
    of_truth = [metric for metric in METRICS if metric.needs]
    assert [metric.name for metric in of_truth if metric.leads] == ["lines"]
    assert [metric.name for metric in of_truth if metric.withstands and not metric.caveat] == ["lines"]


def test_a_report_names_all_sizes_that_were_measured() -> None:
    metric = ready(register_metrics()["content_ssim"])
    for size in (64, 48, 96):
        metric.update(noise(1, size), Sample("a", noise(2, size)))
    assert metric.describe() == {"n": 3, "size": "48x48 to 96x96", "resizer": "none"}


def test_importing_the_plugin_imports_no_torchmetrics_and_no_scipy() -> None:
    heavy = "{'torchmetrics', 'scipy', 'skimage', 'torchvision', 'matplotlib'}"
    code = f"import sys, toonlab_metrics; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Brightness(SetMetric):
    """The difference of mean brightness; keeps what it was given."""

    name = "brightness"

    def gather(self, image: Tensor, index: int) -> tuple[int, float]:
        assert image.dtype == torch.float32
        return index, float(image.mean())

    def between(self, fakes: list[tuple[int, float]], cartoons: list[tuple[int, float]]) -> dict[str, float]:
        assert [index for index, _ in fakes] == list(range(len(fakes)))
        assert [index for index, _ in cartoons] == list(range(len(cartoons)))
        means = [sum(value for _, value in side) / len(side) for side in (fakes, cartoons)]
        return {"brightness": abs(means[0] - means[1])}


def pictures(*values: float) -> list[Tensor]:
    return [torch.full((3, 4, 6), value) for value in values]


def measured(fakes: Sequence[Tensor], cartoons: Sequence[Tensor]) -> SetMetric:
    metric = Brightness()
    metric.reference(cartoons)
    for fake in fakes:
        metric.update(fake, Sample("a picture", fake))
    return metric


def test_both_sets_are_compared_whole() -> None:
    metric = measured(pictures(0.2, 0.4), pictures(-1.0, 0.0, 0.4))
    assert metric.compute() == {"brightness": pytest.approx(0.5)}
    assert metric.describe() == {"n": 2, "size": "6x4", "resizer": "none", "cartoons": 3}


def test_cartoons_may_be_bytes() -> None:
    cartoons = pictures(-1.0, 0.2)
    as_bytes = [to_levels(image) for image in cartoons]
    expected = measured(pictures(0, 0), cartoons).compute()
    assert measured(pictures(0, 0), as_bytes).compute() == pytest.approx(expected, abs=1e-6)


def test_another_reference_takes_the_place_of_the_first() -> None:
    metric = measured(pictures(0, 0), pictures(1, 1))
    metric.reference(pictures(0, 0))
    assert metric.compute() == {"brightness": 0}


def test_too_few_pictures_are_an_error() -> None:
    with pytest.raises(PartError, match=r"^brightness: needs at least 2 pictures, got 1; give more, or drop it"):
        measured(pictures(0), pictures(0, 1)).compute()
    with pytest.raises(PartError, match=r"^brightness: needs at least 2 cartoons, got 1; give more, or drop it"):
        measured(pictures(0, 1), pictures(0))


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ToonlabError, match=r"^brightness: no samples to evaluate"):
        measured([], pictures(0, 1)).compute()
    metric = Brightness()
    metric.update(*pictures(0), Sample("a picture", torch.zeros(3, 4, 6)))
    with pytest.raises(PartError, match=r"^brightness: has no cartoons to compare with"):
        metric.compute()
