"""torch-fidelity's metrics: what is missing is told at once, and the distances are right where a network is there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from toonlab import PartError, ToonlabError
from toonlab_metrics.fidelity import KIDCLIP, FDDINOv2, FidelityDistance, PrecisionRecall


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty torch hub, and no network: nobody listens at the proxy."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return tmp_path / "hub"


@pytest.mark.parametrize("metric", [FDDINOv2, KIDCLIP, PrecisionRecall])
def test_a_missing_network_is_one_line_at_once(metric: type[FidelityDistance], hub: Path) -> None:
    start = time.monotonic()
    with pytest.raises(ToonlabError) as caught:
        metric()
    assert time.monotonic() - start < 30  # retries would take minutes
    text = str(caught.value)
    assert text.startswith(f"{metric.name}: its network is not on this machine; put http")
    assert str(hub / "checkpoints") in text
    assert text.endswith("or do without, with kid_lite0")
    assert "\n" not in text


def test_a_damaged_file_is_told(hub: Path) -> None:
    (path := hub / next(iter(PrecisionRecall.files))).parent.mkdir(parents=True)
    path.write_bytes(b"half a download")
    with pytest.raises(
        ToonlabError, match=r"vgg16-397923af\.pth: its sha256 does not begin with 397923af: it is damaged"
    ):
        PrecisionRecall()


def with_files(metric: type[FidelityDistance], hub: Path, monkeypatch: pytest.MonkeyPatch) -> FidelityDistance:
    """With something in place of the files; what a network would compute is given to `distance`."""
    monkeypatch.setattr(metric, "checksum", "")
    for file in metric.files:
        (hub / file).parent.mkdir(parents=True, exist_ok=True)
        (hub / file).write_bytes(b"no network")
    return metric()


def test_a_network_that_can_t_be_used_is_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_files(KIDCLIP, hub, monkeypatch)
    with pytest.raises(ToonlabError, match=r"^kid_clip: torch-fidelity's clip-vit-b-32 can't be used: ") as caught:
        made.reference([torch.zeros(3, 8, 8)] * 2)
    assert "\n" not in str(caught.value)


def test_no_frechet_distance_of_few_pictures(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_files(FDDINOv2, hub, monkeypatch)
    with pytest.raises(PartError, match=r"^fd_dinov2: needs at least 2000 cartoons, got 24"):
        made.reference([torch.zeros(3, 8, 8)] * 24)


def test_precision_and_recall_by_their_definition(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_files(PrecisionRecall, hub, monkeypatch)
    draws = torch.Generator().manual_seed(0)
    fakes, cartoons = torch.randn(12, 2, generator=draws), torch.randn(15, 2, generator=draws) + 1

    def inside(some: Tensor, others: Tensor) -> float:
        radii = [sorted((o - p).norm() for p in others)[3] for o in others]
        return sum(any((x - o).norm() <= r for o, r in zip(others, radii, strict=True)) for x in some) / len(some)

    found = made.distance(fakes.double(), cartoons.double())
    precision, recall = inside(fakes, cartoons), inside(cartoons, fakes)
    assert (found["precision"], found["recall"]) == pytest.approx((precision, recall))
    assert found["precision_recall"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert 0 < precision < 1
    assert next(iter(found)) == "precision_recall"
    assert made.higher_is_better
