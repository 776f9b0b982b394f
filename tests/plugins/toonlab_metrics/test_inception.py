"""The weights of Inception: where they are looked for, and files that do not hold them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn

from toonlab import ToonlabError
from toonlab_metrics import inception
from toonlab_metrics.frechet import FID, KID


def test_the_given_file_comes_first_then_torchs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / inception.FILE
    cached.parent.mkdir(parents=True)
    cached.touch()
    given = tmp_path / "mine.pth"
    given.touch()
    assert inception.find_weights(None, "kid") == cached
    assert inception.find_weights(given, "kid") == given


def test_a_path_may_begin_with_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.pth").touch()
    assert inception.find_weights(Path("~/mine.pth"), "kid") == tmp_path / "mine.pth"


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights")
    assert inception.digest(path) == "sha256:" + hashlib.sha256(b"weights").hexdigest()[:16]


@pytest.mark.parametrize("metric", [KID, FID])
def test_without_weights_there_is_an_error_with_the_ways_out(
    metric: type[KID | FID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ToonlabError) as caught:
        metric()
    text = str(caught.value)
    assert text.startswith(f"{metric.name}: the Inception weights are not on this machine; put {inception.FILE}")
    assert all(way in text for way in (str(tmp_path), "https://", "parameter `weights`", "swd and kid_random"))
    assert "\n" not in text
    with pytest.raises(ToonlabError, match=rf"^{metric.name}: weights .*nowhere\.pth: no such file; put"):
        metric(weights=tmp_path / "nowhere.pth")


def test_weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save(nn.Linear(2, 2).state_dict(), other)
    with pytest.raises(ToonlabError, match=r"other\.pth: holds no weights of the Inception that FID is defined by"):
        inception.network(other)


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"fc.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ToonlabError, match=r"evil\.pth: holds no weights"):
        inception.network(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()
