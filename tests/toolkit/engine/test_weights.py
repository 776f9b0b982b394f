"""Weights: one file with its recipe and its checksum, of finite numbers; no larger network than it holds is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from toonlab import Catalogue, ToonlabError, discover
from toonlab.engine.weights import WEIGHTS, load_generator, load_tensors, read_weights, weights_of
from toonlab.recipes.load import load

TREE: dict[str, Any] = {"about": "a test", "train": {"seed": 0}}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def test_weights_come_back_with_their_recipe(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    (tmp_path / WEIGHTS).write_bytes(weights_of(net, TREE))
    tensors, tree = read_weights(tmp_path / WEIGHTS)
    assert tree == TREE
    assert tensors.keys() == net.state_dict().keys()
    assert all(torch.equal(tensors[name], tensor) for name, tensor in net.state_dict().items())


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(safetensors.torch.save({"a": torch.zeros(1)}))
    with pytest.raises(ToonlabError, match="carries no recipe; only weights that toonlab saved can be used"):
        read_weights(tmp_path / WEIGHTS)


def test_a_generator_is_loaded_by_its_weights_alone(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    recipe = load(small, catalogue)
    generator = recipe.generator.network.make(catalogue)
    (tmp_path / WEIGHTS).write_bytes(weights_of(generator, recipe.tree))
    loaded = load_generator(tmp_path / WEIGHTS, catalogue)
    photo = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(photo), generator.eval()(photo))
    wider = json.loads(json.dumps(recipe.tree))
    wider["generator"]["network"]["width"] = 4
    (tmp_path / WEIGHTS).write_bytes(weights_of(generator, wider))
    text = (
        r"the weights don't fit 'ctss_plain': a_full.0.weight is \(2, 3, 7, 7\) in the file and \(4, 3, 7, 7\) in the"
    )
    with pytest.raises(ToonlabError, match=text):
        load_generator(tmp_path / WEIGHTS, catalogue)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"0.bias": None}, r"0.bias is missing in the file and \(2,\) in the network"),
        ({"9.bias": torch.zeros(1)}, r"9.bias is \(1,\) in the file and missing in the network"),
        ({"1.weight": torch.zeros(3), "0.bias": torch.zeros(5)}, r"0.bias is \(5,\) in the file and \(2,\) in the"),
    ],
)
def test_the_first_tensor_that_differs_is_named(change: dict[str, Any], text: str) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    tensors = {name: tensor for name, tensor in {**before, **change}.items() if tensor is not None}
    with pytest.raises(ToonlabError, match=f"file.pt: the weights don't fit 'net': {text}"):
        load_tensors(net, tensors, "net", Path("file.pt"))
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1)
    assert len({weights_of(net, {**TREE, "about": "0" * 64}) for _ in range(20)}) == 1
    (tmp_path / WEIGHTS).write_bytes(weights_of(net, TREE))
    with safetensors.safe_open(tmp_path / WEIGHTS, "pt") as file:
        assert file.metadata().keys() == {"checksum", "format", "toonlab"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    net = nn.Conv2d(3, 3, 1)
    nn.init.constant_(net.weight, value)
    (tmp_path / WEIGHTS).write_bytes(weights_of(net, TREE))
    with pytest.raises(ToonlabError, match="weight is not finite: the training had diverged; use an earlier"):
        read_weights(tmp_path / WEIGHTS)


def test_weights_without_a_checksum_are_warned_of(tmp_path: Path) -> None:
    metadata = {"toonlab": json.dumps(TREE)}
    (tmp_path / WEIGHTS).write_bytes(safetensors.torch.save({"a": torch.zeros(1)}, metadata))
    with pytest.warns(RuntimeWarning, match="carries no checksum, so damage can't be found"):
        assert read_weights(tmp_path / WEIGHTS)[1] == TREE


@pytest.mark.parametrize("recipe", ["no JSON", "[]", "[" * 5000, "1" * 5000])
def test_weights_whose_recipe_is_damaged_are_refused(tmp_path: Path, recipe: str) -> None:
    (tmp_path / WEIGHTS).write_bytes(safetensors.torch.save({"a": torch.zeros(1)}, {"toonlab": recipe}))
    with (
        pytest.warns(RuntimeWarning, match="carries no checksum"),
        pytest.raises(ToonlabError, match="safetensors: its recipe can't be read: "),
    ):
        read_weights(tmp_path / WEIGHTS)


def test_a_network_far_larger_than_the_file_is_not_built(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    recipe = load(small, catalogue)
    tree = json.loads(json.dumps(recipe.tree))
    tree["generator"]["network"]["width"] = 100_000  # 720 GB
    (tmp_path / WEIGHTS).write_bytes(weights_of(recipe.generator.network.make(catalogue), tree))
    with pytest.raises(ToonlabError, match=r"asks for a network of more than \d+ parameters, and it holds"):
        load_generator(tmp_path / WEIGHTS, catalogue)
