"""Checkpoints: whole or not at all, of one run, and without code of anybody's."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from toonlab import Catalogue, DivergedError, ToonlabError, discover
from toonlab.engine import checkpoint
from toonlab.engine.builder import build
from toonlab.engine.checkpoint import STATE
from toonlab.engine.gan import GAN, ActiveStage
from toonlab.engine.integrity import check_kinds, check_shapes, sealed_state
from toonlab.engine.stages import enter
from toonlab.engine.weights import WEIGHTS, read_weights
from toonlab.recipes import torch_classes
from toonlab.recipes.load import load
from toonlab.types import Batch
from toonlab.utils.distributed import DistributedContext

TREE: dict[str, Any] = {"about": "a test", "train": {"seed": 0}}


def state(step: int, identity: str = "a") -> dict[str, Any]:
    empty: dict[str, Any] = {"parts": {}, "ema": None, "optimizers": {}, "schedules": {}}
    return {"step": step, "identity": identity, "seconds": 1.0, "lines": 0, **empty}


def save(folder: Path, *steps: int, keep: int = 9) -> list[str]:
    for step in steps:
        checkpoint.save(folder, state(step), nn.Conv2d(3, 3, 1), TREE, keep)
    return [path.name for path in checkpoint.checkpoints(folder)]


def test_the_newest_stay(tmp_path: Path) -> None:
    assert save(tmp_path, 1, 2, 30, keep=2) == ["step-00000002", "step-00000030"]
    assert {path.name for path in (tmp_path / "step-00000030").iterdir()} == {WEIGHTS, STATE}
    assert not list(tmp_path.glob(".*"))


def test_a_step_that_is_saved_again_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 5)
    checkpoint.save(tmp_path, state(5, "b"), nn.Conv2d(3, 3, 1), TREE, 9)
    assert checkpoint.load_state(tmp_path / "step-00000005")["identity"] == "b"


def test_a_write_that_fails_leaves_the_others_and_nothing_of_its_own(tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / "step-00000002").write_text("a file where the folder has to go")
    with pytest.raises(OSError, match="step-00000002"):
        save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["step-00000001"]


def test_only_the_best_is_kept_and_it_counts_before_the_newest(tmp_path: Path) -> None:
    save(tmp_path / "checkpoints", 1, 2)
    assert checkpoint.candidates(tmp_path)[-1] == tmp_path / "checkpoints" / "step-00000002" / WEIGHTS
    for step in (1, 2):
        checkpoint.keep_best(tmp_path / "best", step, nn.Conv2d(3, 3, 1), TREE)
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["step-00000002"]
    assert [path.name for path in (tmp_path / "best" / "step-00000002").iterdir()] == [WEIGHTS]
    assert checkpoint.candidates(tmp_path)[-1] == tmp_path / "best" / "step-00000002" / WEIGHTS


def test_the_newest_whole_state_of_the_run_is_found(tmp_path: Path) -> None:
    assert checkpoint.latest_state(tmp_path, "a") is None
    save(tmp_path, 1, 2)
    found = checkpoint.latest_state(tmp_path, "a")
    assert found is not None
    assert found["step"] == 2
    (tmp_path / "step-00000002" / STATE).write_bytes(b"half")
    with pytest.warns(RuntimeWarning, match=r"step-00000002/state.pt: can't be read .*; going back to the checkpoint"):
        found = checkpoint.latest_state(tmp_path, "a")
    assert found is not None
    assert found["step"] == 1


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    save(tmp_path, 1)
    with pytest.raises(ToonlabError, match="step-00000001: is a checkpoint of another recipe, data or code"):
        checkpoint.latest_state(tmp_path, "b")


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("executed"),))


def test_a_state_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save({**state(1), "extra": Malicious()}, buffer)
    (tmp_path / STATE).write_bytes(sealed_state(buffer.getvalue()))
    with pytest.raises(ToonlabError, match=r"state.pt: can't be read \(UnpicklingError\)"):
        checkpoint.load_state(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(ToonlabError, match="not a safetensors file of weights"):
        read_weights(tmp_path / WEIGHTS)
    assert not (tmp_path / "executed").exists()


def test_a_file_without_a_step_is_no_state(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"parts": {}}, buffer)
    (tmp_path / STATE).write_bytes(sealed_state(buffer.getvalue()))
    with pytest.raises(ToonlabError, match="not a training state"):
        checkpoint.load_state(tmp_path)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def trained(small: Path, catalogue: Catalogue, steps: int) -> tuple[GAN, ActiveStage]:
    overrides = ["train.ema=0.9", "stages=[{name: all, share: 1}]", "generator.schedule={use: StepLR, step_size: 1}"]
    recipe = load(small, catalogue, overrides)
    gan = build(recipe, catalogue, DistributedContext(torch.device("cpu")))
    stage = enter(gan, recipe, 0, 0, 9, None)
    for number in range(steps):
        step(gan, stage, number)
    return gan, stage


def step(gan: GAN, stage: ActiveStage, number: int) -> dict[str, float]:
    draw = torch.Generator().manual_seed(number)
    images = torch.rand(2, 2, 3, 32, 32, generator=draw) * 2 - 1
    return {name: value.item() for name, value in gan.step(stage, Batch(*images), number).items()}


def test_a_restored_gan_goes_on_with_the_same_bits(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    gan, stage = trained(small, catalogue, 2)
    saved = {**state(2), **checkpoint.state_of(gan, stage)}
    checkpoint.save(tmp_path, saved, gan.trained, TREE, 1)
    loaded = checkpoint.load_state(tmp_path / "step-00000002")
    assert loaded["optimizers"].keys() == {"generator", "critic/image", "critic/patch"}
    assert loaded["schedules"].keys() == {"generator"}
    assert {"generator", "critic/image/net", "critic/patch/net"} <= loaded["parts"].keys()
    other, its_stage = trained(small, catalogue, 0)
    checkpoint.restore(loaded, other, its_stage)
    assert [step(gan, stage, n) for n in (2, 3)] == [step(other, its_stage, n) for n in (2, 3)]
    ours, theirs = gan.trained.state_dict(), other.trained.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_moving_average_is_saved_where_there_is_one(small: Path, catalogue: Catalogue) -> None:
    gan, _ = trained(small, catalogue, 1)
    assert gan.ema is not None
    assert gan.trained is gan.ema.module["generator"]  # type: ignore[index]


def test_the_kept_weights_are_loaded_if_the_recipe_selects_by_a_metric(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    last, best = load(small, catalogue), load(small, catalogue, ["train.select=psnr"])
    generator = best.generator.network.make(catalogue)
    assert checkpoint.best_generator(best, tmp_path, catalogue) is None, "nothing was kept"
    checkpoint.keep_best(tmp_path / "best", 3, generator, best.tree)
    assert checkpoint.best_generator(last, tmp_path, catalogue) is None
    loaded = checkpoint.best_generator(best, tmp_path, catalogue)
    assert loaded is not None
    assert not loaded.training
    assert all(torch.equal(tensor, generator.state_dict()[name]) for name, tensor in loaded.state_dict().items())


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    save(tmp_path, 1)
    net = nn.Conv2d(3, 3, 1)
    nn.init.constant_(net.bias, float("inf"))
    with pytest.raises(DivergedError, match="diverged by step 2: bias is not finite"):
        checkpoint.save(tmp_path, state(2), net, TREE, 9)
    parts = {"parts": {"critic": {"weight": torch.full((1,), torch.nan)}}}
    with pytest.raises(DivergedError, match=r"diverged by step 2: critic\.weight is not finite"):
        checkpoint.save(tmp_path, {**state(2), **parts}, nn.Conv2d(3, 3, 1), TREE, 9)
    with pytest.raises(DivergedError, match="diverged by step 2: bias is not finite"):
        checkpoint.keep_best(tmp_path, 2, net, TREE)
    assert [path.name for path in checkpoint.checkpoints(tmp_path)] == ["step-00000001"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"parts": {"net": torch.tensor([torch.nan])}}, "net is not finite: the training had diverged"),
        ({"parts": []}, "not a training state: parts: got"),
        ({"step": -5}, "not a training state: step: got -5"),
        ({"seconds": "1"}, "not a training state: seconds: got '1'"),
        ({"step": 10**9}, "step-00000002: is of step 1000000000"),
    ],
)
def test_a_state_that_cannot_be_one_is_passed_over(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    save(tmp_path, 1, 2)
    buffer = io.BytesIO()
    torch.save({**state(2), **change}, buffer)
    (tmp_path / "step-00000002" / STATE).write_bytes(sealed_state(buffer.getvalue()))
    with pytest.warns(RuntimeWarning, match=f"{says}.*; going back to the checkpoint before it"):
        found = checkpoint.latest_state(tmp_path, "a")
    assert found is not None
    assert found["step"] == 1


@pytest.mark.parametrize("use", [*torch_classes.optimizers(), *torch_classes.schedules()])
def test_the_state_of_every_optimizer_and_schedule_fits_its_own(use: str, tmp_path: Path) -> None:
    arguments = {
        "CyclicLR": {"base_lr": 0.1, "max_lr": 0.2, "cycle_momentum": False},
        "MultiStepLR": {"milestones": [2, 3]},
        "OneCycleLR": {"max_lr": 0.2, "total_steps": 9},
        "StepLR": {"step_size": 2},
        "CosineAnnealingLR": {"T_max": 4},
        "CosineAnnealingWarmRestarts": {"T_0": 2},
        "ExponentialLR": {"gamma": 0.9},
    }

    def make() -> tuple[Any, Any]:
        parameter = nn.Parameter(torch.ones(3, 4))
        if use in torch_classes.optimizers():
            return torch_classes.optimizers()[use]([parameter]), None
        optimizer = torch.optim.Adam([parameter])
        return optimizer, torch_classes.schedules()[use](optimizer, **arguments.get(use, {}))

    one, other = make(), make()
    for _ in range(3):
        for group in one[0].param_groups:
            group["params"][0].grad = torch.ones(3, 4)
        for part in filter(None, one):
            part.step()
    saved = [part.state_dict() if part else None for part in one]
    torch.save(saved, tmp_path / STATE)
    optimizer, schedule = torch.load(tmp_path / STATE, weights_only=True)
    check_kinds(optimizer["param_groups"], other[0].state_dict()["param_groups"], use)
    other[0].load_state_dict(optimizer)
    check_shapes(other[0], use)
    if schedule:
        check_kinds(schedule, other[1].state_dict(), use)
