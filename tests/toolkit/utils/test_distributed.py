"""Several processes train as one: gloo on the CPU, started by the command itself and by torchrun."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from toonlab.errors import ToonlabError
from toonlab.utils.distributed import DistributedContext, launch, pick_device

SCRIPT = """
import sys, torch
from toonlab import discover
from toonlab.engine.builder import build
from toonlab.engine.stages import enter, plan
from toonlab.engine.data import Steps, batches, training_images
from toonlab.utils.distributed import launch
from toonlab.recipes.load import load

recipe_file, count, out, *overrides = sys.argv[1:]
world = launch("cpu")
catalogue = discover()
recipe = load(recipe_file, catalogue, overrides)
steps = Steps(*training_images(recipe, recipe.data.make(catalogue)), recipe.train, world.rank, world.size)
gan = build(recipe, catalogue, world)
data = batches(steps, 0, int(count), 0, world.device)
nets = {name: part for name, part in gan.parts().items() if isinstance(part, torch.nn.Module)}
torch.save({name: net.state_dict() for name, net in nets.items()}, f"{out}-begun-{world.rank}.pt")
phase = None
for index, (_, start, stop) in enumerate(plan(recipe, steps.per_epoch)):
    phase = enter(gan, recipe, index, start, stop, phase)
    for number in range(start, min(stop, int(count))):
        gan.step(phase, next(data), number)
torch.save({name: net.state_dict() for name, net in nets.items()}, f"{out}-{world.rank}.pt")
"""


@pytest.fixture
def train(small: Path, program: Callable[..., Any]) -> Callable[..., None]:
    """Trains for some steps in so many processes, each started as torchrun starts them."""

    def run(processes: int, *arguments: object, recipe: object = small) -> None:
        torchrun = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "GLOO_SOCKET_IFNAME": "lo"}
        for size in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"):
            torchrun[size] = str(processes)
        ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
        torchrun |= {"TORCHELASTIC_RUN_ID": "test"} if processes > 1 else {}
        for process in [program(SCRIPT, recipe, *arguments, **torchrun, **rank) for rank in ranks]:
            assert process.wait() == 0, process.stderr

    return run


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    # a rendezvous by name would depend on the network's set-up
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "MASTER_ADDR": "127.0.0.1"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=300)


def parameters(path: Path) -> dict[str, torch.Tensor]:
    nets = torch.load(path, weights_only=True)
    return {f"{net}.{name}": tensor for net, state in nets.items() for name, tensor in state.items()}


def test_parameters_are_equal_across_ranks_after_training(train: Callable[..., None], tmp_path: Path) -> None:
    loss = "critics.image.losses={gradient_penalty: {weight: 1}}"
    pairs = ["train.supervised=true", "critics.image.representation=with_photo"]
    train(2, 8, tmp_path / "w", "train.steps=8", "train.batch=4", loss, *pairs)
    first, second = (parameters(tmp_path / f"w-{rank}.pt") for rank in (0, 1))
    assert any("patch" in name for name in first)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_first_steps_gradients_are_those_of_one_process_with_the_whole_batch(
    train: Callable[..., None], tmp_path: Path
) -> None:
    """With plain SGD at rate 1, what a step changes is its gradient."""
    sgd = "{use: SGD, lr: 1}"
    overrides = ["critics.patch=null", "stages=null", "train.batch=4", "train.steps=1"]
    overrides += [f"generator.optimizer={sgd}", f"critics.image.optimizer={sgd}"]
    for processes in (1, 2):
        train(processes, 1, tmp_path / str(processes), *overrides)
    before, alone, together = (parameters(tmp_path / f"{name}-0.pt") for name in ("1-begun", "1", "2"))
    changes = {name: alone[name] - before[name] for name in before}
    assert max(change.abs().max() for name, change in changes.items() if name.startswith("generator")) > 1e-4
    for name, change in changes.items():
        torch.testing.assert_close(
            together[name] - before[name], change, rtol=1e-4, atol=2e-6, msg=lambda m, n=name: f"{n}: {m}"
        )


SMALL = ["data={use: toonworld, size: 32, scenes: 8}", "train.size=32", "train.batch=4", "train.steps=3"]
SMALL += ["generator.network={use: resnet, width: 2, blocks: 1}", "critics.image.discriminator.width=2"]
STREAMS = {
    "cyclegan": [
        *("generators.back={use: resnet, width: 2, blocks: 1}", "critics.back.discriminator.width=2"),
        *("critics.image.pool=3", "critics.back.pool=3"),
    ],
    "cut": ["generator.losses.patch_nce={layers: [0, 4], patches: 8, width: 4}"],
}


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_further_networks_and_losses_that_learn_are_equal_across_ranks(
    train: Callable[..., None], tmp_path: Path, name: str
) -> None:
    train(2, 3, tmp_path / "w", *SMALL, *STREAMS[name], recipe=name)
    begun, first, second = (parameters(tmp_path / f"w-{which}.pt") for which in ("begun-0", "0", "1"))
    learned = {"cyclegan": "generators/back.", "cut": "stage/0/patch_nce."}[name]
    assert any(key.startswith(learned) and not torch.equal(begun[key], first[key]) for key in first)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_pool_gives_two_processes_what_it_gives_one(train: Callable[..., None], tmp_path: Path) -> None:
    """So CycleGAN's steps are the same, but for the order of sums."""
    sgd = [f"{path}.optimizer={{use: SGD, lr: 0.01}}" for path in ("generator", "critics.image", "critics.back")]
    for processes in (1, 2):
        train(processes, 3, tmp_path / str(processes), *SMALL, *STREAMS["cyclegan"], *sgd, recipe="cyclegan")
    before, alone, together = (parameters(tmp_path / f"{name}-0.pt") for name in ("1-begun", "1", "2"))
    for key in alone:  # the norms amplify rounding
        assert (together[key] - alone[key]).norm() <= 0.02 * (alone[key] - before[key]).norm() + 1e-6, key


@pytest.mark.parametrize("launcher", ["fabric", "torchrun"])
def test_the_command_trains_with_two_processes(small: Path, tmp_path: Path, launcher: str) -> None:
    arguments = ["-m", "toonlab", "train", small, "train.batch=4", "--device", "cpu"]
    if launcher == "fabric":
        arguments += ["--devices", "2"]
    else:
        arguments = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29713", *arguments]
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("│ the unmodified photo") == 1
    (directory,) = tmp_path.glob("runs/small/small-*")
    assert json.loads((directory / "environment.json").read_text())["processes"] == 2
    assert json.loads((directory / "outcome.json").read_text())["status"] == "finished"
    if launcher == "fabric":
        assert run(*arguments, cwd=tmp_path).stdout.count("finished before") == 1


def test_a_mistake_ends_all_processes_with_one_line(small: Path, tmp_path: Path) -> None:
    done = run("-m", "toonlab", "train", small, "train.batch=3", "--device", "cpu", "--devices", "2", cwd=tmp_path)
    assert done.returncode == 2
    assert "train.batch: 3 images can't be shared equally by 2 processes" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_process_needs_no_launcher() -> None:
    assert launch("cpu") == DistributedContext(torch.device("cpu"))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ToonlabError, match=r"--device abacus: not usable here: .*; take auto or cpu"):
        pick_device("abacus")
