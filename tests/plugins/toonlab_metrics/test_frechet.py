from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from toonlab import PartError, Sample
from toonlab.ops.kernel import kernel_distance
from toonlab.ops.levels import to_levels
from toonlab_metrics import networks
from toonlab_metrics.frechet import FID, KID, FeatureDistance, RandomKID, frechet_distance


def pictures(seed: int, count: int = 4, size: int = 32, scale: float = 1.0) -> list[Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return [torch.rand((3, size, size), generator=draws) * 2 * scale - scale for _ in range(count)]


def features(seed: int, count: int, width: int, shift: float = 0.0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def distance(metric: FeatureDistance, fakes: list[Tensor], cartoons: list[Tensor]) -> dict[str, float]:
    metric.reference(cartoons)
    for fake in fakes:
        metric.update(fake, Sample("a picture", fake))
    return metric.compute()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for torchmetrics' Inception, with random weights."""
    from torch_fidelity import feature_extractor_inceptionv3 as module

    class Untrained(module.FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object, **__: object) -> None:
            """Keep what the layers were made with."""

    path = tmp_path_factory.mktemp("weights") / "random.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_state_dict_from_url", lambda *_, **__: {})
        with torch.random.fork_rng():
            torch.manual_seed(0)
            torch.save(Untrained("inception-v3-compat", ["2048"]).state_dict(), path)
    return path


@pytest.mark.parametrize(("count", "width"), [(40, 8), (10, 32), (33, 33)])
def test_the_frechet_distance_is_that_of_torchmetrics(count: int, width: int) -> None:
    from torchmetrics.image.fid import _compute_fid

    x, y = features(0, count, width), features(1, count + 5, width, 0.3) * 1.5
    moments = [moment for side in (x, y) for moment in (side.mean(0), torch.cov(side.T))]
    assert frechet_distance(x, y) == pytest.approx(float(_compute_fid(*moments)), rel=1e-5)


def test_the_frechet_distance_of_a_shift_is_its_square() -> None:
    x = features(0, 20, 4)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x + torch.tensor([3.0, 0, 4, 0]), x) == pytest.approx(25)


def test_random_kid_tells_sets_apart_and_takes_pictures_of_any_size() -> None:
    like = distance(RandomKID(), pictures(0, 8), pictures(1, 8))["kid_random"]
    unlike = distance(RandomKID(), pictures(0, 8, scale=0.3), pictures(1, 8))["kid_random"]
    assert abs(like) < unlike / 20
    mixed = distance(RandomKID(), [*pictures(0, 3), *pictures(1, 3, 48)], pictures(2, 8))["kid_random"]
    assert abs(mixed) < unlike / 5


def test_kid_and_fid_use_torchmetrics_inception_and_report_its_weights(weights: Path) -> None:
    fakes, cartoons = pictures(0, 2), pictures(1, 2, scale=0.5)
    network = networks.network(weights)
    fake, cartoon = (network(torch.stack([to_levels(image) for image in side])).double() for side in (fakes, cartoons))
    kid = KID(weights)
    assert distance(kid, fakes, cartoons)["kid"] == pytest.approx(kernel_distance(fake, cartoon), rel=1e-4)
    about = kid.describe()
    assert about["resizer"] == "bilinear, antialiased, to 299x299 (torchmetrics)"
    assert (about["n"], about["cartoons"], about["size"]) == (2, 2, "32x32")
    assert about["weights"] == networks.digest(weights)
    assert about["weights"].startswith("sha256:")
    fid = FID(weights, resamples=5)
    with pytest.warns(RuntimeWarning, match=r"^fid: 2 pictures are fewer than 2000.*prefer kid"):
        results = distance(fid, fakes, cartoons)
    assert results["fid"] == pytest.approx(frechet_distance(fake, cartoon), rel=1e-4)
    assert results["fid_low"] < results["fid"] < results["fid_high"]


def test_cartoons_may_be_bytes() -> None:
    as_bytes = [to_levels(image) for image in pictures(1)]
    assert distance(RandomKID(), pictures(0), as_bytes) == distance(RandomKID(), pictures(0), pictures(1))


def test_too_few_pictures_are_an_error() -> None:
    with pytest.raises(PartError, match=r"^kid_random: needs at least 2 pictures, got 1; give more, or drop it"):
        distance(RandomKID(), pictures(0, 1), pictures(1))
