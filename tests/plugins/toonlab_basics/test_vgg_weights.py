"""The weights of VGG19: random ones, torchvision's, and files that are damaged, foreign or malicious."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from toonlab import ToonlabError
from toonlab_basics import VGG16, VGG19
from toonlab_basics.vgg_weights import load_weights

SHAPES = {"conv1_1.weight": torch.Size([64, 3, 3, 3]), "conv1_1.bias": torch.Size([64])}
LAYERS = ["conv1_1", "relu1_1"]


def test_half_precision_files_become_float32(tmp_path: Path) -> None:
    state = {name: torch.ones(shape, dtype=torch.float16) for name, shape in SHAPES.items()}
    torch.save(state | {"conv1_2.weight": torch.zeros(3)}, tmp_path / "half.pt")
    loaded = load_weights(str(tmp_path / "half.pt"), SHAPES, LAYERS)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in loaded.items()} == {
        name: (shape, torch.float32) for name, shape in SHAPES.items()
    }


def test_random_weights_do_not_depend_on_further_layers() -> None:
    more = {**SHAPES, "conv1_2.weight": torch.Size([64, 64, 3, 3])}
    few, many = (load_weights("random", shapes, LAYERS) for shapes in (SHAPES, more))
    assert torch.equal(few["conv1_1.weight"], many["conv1_1.weight"])
    assert not few["conv1_1.bias"].any()


def test_random_weights_are_always_the_same_and_keep_the_scale():
    state = torch.random.get_rng_state()
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    first, again = VGG19("random", layer="conv3_1")(images), VGG19("random", layer="conv3_1")(images)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first, again)
    assert 0.3 < first.square().mean().sqrt() < 3


def test_without_a_network_the_error_names_the_ways_out(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request._opener", None)  # the first download would keep the proxy for all later ones
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ToonlabError) as caught:
        VGG19()
    text = str(caught.value)
    assert "put vgg19-dcbb9e9d.pth into " + str(tmp_path / "hub" / "checkpoints") in text
    assert "features.weights=PATH" in text
    assert "features.use=random" in text
    assert "\n" not in text


def test_a_file_in_the_cache_needs_no_network(monkeypatch, tmp_path: Path):
    """As the error above advises; and a damaged file there is no traceback."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    cached.parent.mkdir(parents=True)
    weight = torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.save({"features.0.weight": weight, "features.0.bias": torch.ones(64)}, cached)
    assert torch.equal(VGG19(layer="conv1_1").layers.conv1_1.weight, weight)
    cached.write_bytes(b"half a download")
    with pytest.raises(ToonlabError, match="the ImageNet weights can't be had"):
        VGG19(layer="conv1_1")


def test_files_that_do_not_fit(tmp_path: Path):
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "half.pt")
    torch.save({"0.weight": torch.zeros(64, 3, 5, 5), "0.bias": torch.zeros(64)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pt")
    for name in ("junk.pt", "junk.safetensors", "junk.npy"):
        (tmp_path / name).write_bytes(b"not weights at all")
    wrong = {
        "imagnet": "neither a known name nor a file of a known kind; did you mean 'imagenet'?",
        "weights.h5": "neither a known name nor a file of a known kind",
        "missing.pth": "no such file",
        "half.pt": r"has none of conv1_1.bias, features.0.bias, 0.bias",
        "other.pth": r"conv1_1.weight should be \(64, 3, 3, 3\), got \(64, 3, 5, 5\)",
        "list.pt": "holds list, expected a state dict",
        "junk.pt": "is no state dict that torch can load",
        "junk.safetensors": "is no safetensors file",
        "junk.npy": "is no .npy of a pickled dict of arrays",
    }
    for name, message in wrong.items():
        with pytest.raises(ToonlabError, match=message) as caught:
            VGG19(str(tmp_path / name) if "." in name else name, layer="conv1_1")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".npy", ".safetensors", ".pth"])
def test_weights_of_a_vgg19_are_not_taken_for_those_of_a_vgg16(tmp_path: Path, suffix: str) -> None:
    """Their shapes fit where layers have names, so nothing else would tell."""
    layers = VGG19("random", layer="conv4_1").layers.state_dict()
    path = tmp_path / f"vgg{suffix}"
    if suffix == ".npy":
        names = dict.fromkeys(name.partition(".")[0] for name in layers)
        kernels = {n: [layers[f"{n}.weight"].permute(2, 3, 1, 0).numpy(), layers[f"{n}.bias"].numpy()] for n in names}
        np.save(path, kernels, allow_pickle=True)
    else:
        (save_file if suffix == ".safetensors" else torch.save)(layers, path)
    with pytest.raises(ToonlabError, match="has conv3_4, so these are weights of a VGG19; vgg16 needs its own"):
        VGG16(str(path), layer="conv4_1")
    with pytest.raises(ToonlabError, match=r"vgg16: weights nowhere\.pt: no such file"):
        VGG16("nowhere.pt")


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.target, "you have been had")


def test_a_state_dict_executes_nothing(tmp_path: Path):
    torch.save({"conv1_1.weight": Attack(tmp_path / "proof")}, tmp_path / "evil.pt")
    with pytest.raises(ToonlabError, match=r"evil\.pt: is no state dict"):
        VGG19(str(tmp_path / "evil.pt"), layer="conv1_1")
    assert not (tmp_path / "proof").exists()
