"""The data of a step and of a run."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import Context, Features, Outcome, PartError, Run, Views
from toonlab.types import OnAccess, evaluating


def test_a_run_is_named_by_recipe_seed_and_identity() -> None:
    run = Run(Path("runs"), "study", "ctss", 3, "0123456789abcdef", {}, 8)
    assert run.name == "ctss-s3-01234567"
    assert run.directory == Path("runs/study/ctss-s3-01234567")
    with pytest.raises(FrozenInstanceError):
        run.seed = 4  # type: ignore[misc]


def test_an_outcome_is_json() -> None:
    outcome = Outcome("finished", 4, 1.5, None, {"psnr": 14.0}, costs={"parameters": 9.0})
    assert Outcome(**json.loads(json.dumps(outcome.to_json()))) == outcome


def test_features_are_extracted_once_for_each_tensor() -> None:
    calls: list[Tensor] = []

    def extract(images: Tensor) -> Tensor:
        calls.append(images)
        return images * 2

    features, photo, fake = Features(extract), torch.rand(1, 3, 2, 2), torch.rand(1, 3, 2, 2, requires_grad=True)
    for _ in range(2):
        assert torch.equal(features(photo), photo * 2)
        assert features(fake).requires_grad
    assert [image is photo for image in calls] == [True, False]


def test_features_of_several_layers() -> None:
    """A loss of one layer says so; the distance is the mean over layers, and one layer's is its own, bit by bit."""
    one, other = torch.rand(2, 2, 3, 4, 4)
    several = Features(lambda images: (images, images[..., ::2, ::2] ** 2))
    assert [tuple(layer.shape) for layer in several.layers(one)] == [(2, 3, 4, 4), (2, 3, 2, 2)]
    with pytest.raises(PartError, match=r"^features: 2 layers, but a loss takes only one"):
        several(one)
    apart = [F.l1_loss(a, b) for a, b in zip(several.layers(one), several.layers(other), strict=True)]
    torch.testing.assert_close(several.mean_over_layers(F.l1_loss, one, other), (apart[0] + apart[1]) / 2)
    single = Features(lambda images: images)
    assert torch.equal(single.mean_over_layers(F.l1_loss, one, other), F.l1_loss(single(one), single(other)))


def test_parts_are_in_eval_mode_within_the_block_alone() -> None:
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout())
    net[1].eval()
    with evaluating(net, None, "no module"):
        assert not any(module.training for module in net.modules())
    assert [net.training, net[0].training, net[1].training] == [True, True, False]
    with pytest.raises(ValueError, match="no"), evaluating(net):
        raise ValueError("no")
    assert [net.training, net[0].training, net[1].training] == [True, True, False]


def test_without_an_engine_patches_are_scored_by_the_bare_critic() -> None:
    critic = nn.Conv2d(3, 1, 1)
    images = torch.rand(2, 3, 4, 4)
    context = Context(images, critic, torch.Generator(), 0)
    logits = context.score_patches(Views(images, images.flip(0), context=context))
    assert torch.equal(logits.real, critic(images))
    assert torch.equal(logits.fake, critic(images.flip(0)))
    assert not logits.real.requires_grad


def test_items_are_read_on_access() -> None:
    asked: list[str] = []
    items = OnAccess(["a", "b", "c"], lambda source: (asked.append(source), source.upper())[1])
    assert (len(items), asked) == (3, [])
    assert (items[-1], items[1:], list(items)) == ("C", ["B", "C"], ["A", "B", "C"])
    assert asked == ["c", "b", "c", "a", "b", "c"]
    with pytest.raises(IndexError):
        items[3]
