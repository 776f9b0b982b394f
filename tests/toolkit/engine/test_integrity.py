"""Checksums, finite values and sizes of a checkpoint's files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
import safetensors.torch
import torch
from torch import nn

from toonlab import ToonlabError
from toonlab.engine.integrity import (
    check_kinds,
    check_shapes,
    check_size,
    is_whole_state,
    is_whole_weights,
    metadata_of,
    non_finite,
    sealed_state,
    sealed_weights,
)


def state() -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": torch.arange(3)}, buffer)
    return sealed_state(buffer.getvalue())


def weights() -> bytes:
    return sealed_weights(safetensors.torch.save({"a": torch.arange(3)}), {"toonlab": "{}", "format": "pt"})


@pytest.mark.parametrize(("content", "is_whole"), [(state(), is_whole_state), (weights(), is_whole_weights)])
def test_every_flipped_bit_is_found(content: bytes, is_whole: Callable[[bytes], bool | None]) -> None:
    assert is_whole(content)
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not is_whole(bytes(flipped)), bit
    assert not is_whole(content[:-1])
    assert not is_whole(b"")


def test_sealed_files_are_still_of_their_kind() -> None:
    assert torch.load(io.BytesIO(state()), weights_only=True)["a"].tolist() == [0, 1, 2]
    assert zipfile.ZipFile(io.BytesIO(state())).testzip() is None
    assert safetensors.torch.load(weights())["a"].tolist() == [0, 1, 2]
    assert list(metadata_of(weights())) == ["checksum", "toonlab", "format"]
    assert is_whole_weights(safetensors.torch.save({"a": torch.zeros(1)})) is None


def test_tensors_that_are_not_finite_are_named() -> None:
    bad, whole = torch.tensor([0.0, float("nan")]), torch.tensor([1, 2])
    assert list(non_finite({"net": {"a": bad, "b": whole}, "more": [torch.zeros(1), bad.bfloat16()], "n": 1})) == [
        "net.a",
        "more.1",
    ]


def test_a_network_is_only_built_if_the_file_can_hold_it() -> None:
    net = nn.Conv2d(8, 8, 3)
    check_size(
        lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3)), sum(p.numel() for p in net.parameters())
    )
    with pytest.raises(ToonlabError, match=r"more than \d+ parameters, and it holds 10$"):
        check_size(lambda: [nn.Linear(100, 100) for _ in range(10**9)], 10)


def test_a_network_that_computes_with_its_parameters_is_not_refused() -> None:
    check_size(lambda: torch.zeros(2).mean().item(), 0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"lr": "x", "betas": [0.5, 0.9]}, "group.lr: got str, expected float"),
        ({"lr": True, "betas": [0.5, 0.9]}, "group.lr: got bool, expected float"),
        ({"lr": 1, "betas": [0.5]}, "group.betas: list of other entries than its own"),
        ({"lr": 1}, "group: dict of other entries than its own"),
    ],
)
def test_settings_of_another_kind_are_named(given: dict[str, object], says: str) -> None:
    own = {"lr": 0.5, "betas": (0.5, 0.9)}
    check_kinds({"lr": 1, "betas": [0, None]}, own, "group")
    with pytest.raises(ValueError, match=says):
        check_kinds(given, own, "group")


def test_an_optimizers_tensors_have_the_shapes_of_its_parameters() -> None:
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(2, 3))])
    optimizer.state[optimizer.param_groups[0]["params"][0]]["exp_avg"] = torch.ones(3, 2)
    with pytest.raises(
        ValueError, match=r"generator: exp_avg is torch.float32 of the shape \(3, 2\), of a parameter of \(2, 3\)"
    ):
        check_shapes(optimizer, "generator")
