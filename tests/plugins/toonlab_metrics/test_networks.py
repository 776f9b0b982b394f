"""The weights of Inception: where they are looked for, and files that do not hold them; a fixed random network."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn

from toonlab import ToonlabError
from toonlab.ops.levels import to_levels
from toonlab_metrics import networks
from toonlab_metrics.frechet import FID, KID
from toonlab_metrics.networks import random_features


def test_the_given_file_comes_first_then_torchs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / networks.FILE
    cached.parent.mkdir(parents=True)
    cached.touch()
    given = tmp_path / "mine.pth"
    given.touch()
    assert networks.find_weights(None, "kid") == cached
    assert networks.find_weights(given, "kid") == given


def test_a_path_may_begin_with_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.pth").touch()
    assert networks.find_weights(Path("~/mine.pth"), "kid") == tmp_path / "mine.pth"


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights")
    assert networks.digest(path) == "sha256:" + hashlib.sha256(b"weights").hexdigest()[:16]


@pytest.mark.parametrize("metric", [KID, FID])
def test_without_weights_there_is_an_error_with_the_ways_out(
    metric: type[KID | FID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ToonlabError) as caught:
        metric()
    text = str(caught.value)
    assert text.startswith(f"{metric.name}: the Inception weights are not on this machine; put {networks.FILE}")
    assert all(way in text for way in (str(tmp_path), "https://", "parameter `weights`", "swd and kid_random"))
    assert "\n" not in text
    with pytest.raises(ToonlabError, match=rf"^{metric.name}: weights .*nowhere\.pth: no such file; put"):
        metric(weights=tmp_path / "nowhere.pth")


def test_weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save(nn.Linear(2, 2).state_dict(), other)
    with pytest.raises(ToonlabError, match=r"other\.pth: holds no weights of the Inception that FID is defined by"):
        networks.network(other)


def test_damaged_weights_are_an_error_that_says_so(tmp_path: Path) -> None:
    def told(path: Path) -> str:
        with pytest.raises(ToonlabError) as caught:
            networks.network(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    torch.save({"fc.weight": torch.tensor([1.0, torch.nan])}, tmp_path / "nan.pth")
    assert "nan.pth: holds no weights of the Inception that FID is defined by (fc.weight is not finite)" in told(
        tmp_path / "nan.pth"
    )
    torch.save({"fc.weight": torch.ones(64)}, tmp_path / "flipped.pth")
    whole = (tmp_path / "flipped.pth").read_bytes()
    place = whole.index(torch.ones(64).numpy().tobytes())
    (tmp_path / "flipped.pth").write_bytes(whole[:place] + b"\1" + whole[place + 1 :])
    assert "data/0 in it is damaged" in told(tmp_path / "flipped.pth")
    (tmp_path / networks.FILE).write_bytes(whole)
    assert "its checksum differs: it is damaged" in told(tmp_path / networks.FILE)


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"fc.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ToonlabError, match=r"evil\.pth: holds no weights"):
        networks.network(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def pictures(count: int = 4, height: int = 32, width: int = 32) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    return to_levels(torch.rand((count, 3, height, width), generator=draws) * 2 - 1)


def test_random_features_are_fixed_and_of_the_order_of_one() -> None:
    images = pictures()
    assert random_features(images).shape == (4, 960)
    assert torch.equal(random_features(images), random_features(images))
    assert 0.1 < float(random_features(images).square().mean().sqrt()) < 10
    single = torch.cat([random_features(image[None]) for image in images])
    torch.testing.assert_close(random_features(images), single, atol=1e-5, rtol=1e-4)


def test_the_global_generator_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    random_features(pictures())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_number_of_features_does_not_depend_on_the_size() -> None:
    assert random_features(pictures(1, 17, 90)).shape == (1, 960)


def test_a_picture_of_one_colour_has_no_deviation() -> None:
    features = random_features(torch.full((1, 3, 64, 64), 200, dtype=torch.uint8))[0]
    means, deviations = features[:32], features[32:64]  # of the first convolution
    assert deviations.max() < 1e-4 < means.abs().max()
