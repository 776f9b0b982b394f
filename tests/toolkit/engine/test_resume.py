"""A run that was stopped or killed goes on where it was, and ends with the same bits."""

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from toonlab import Run, discover, hookimpl
from toonlab.engine.checkpoint import STATE, checkpoints, load_state
from toonlab.engine.train import Trained, resume, train
from toonlab.engine.weights import WEIGHTS, read_weights
from toonlab.errors import ToonlabError
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Offer
from toonlab.registry.schema import Schema
from toonlab.runs.directory import read_metrics

POOLS = ["critics.image.pool=3", "critics.back.pool=3"]
TINY = ["data={use: toonworld, size: 32, scenes: 4, evaluation_scenes: 2}", "train.size=32", "train.batch=2"]
TINY += ["evaluate.samples=2", "generator.network={use: resnet, width: 2, blocks: 1}"]
TINY += ["critics.image.discriminator.width=2"]
STREAMS = {
    "cyclegan": ["generators.back={use: resnet, width: 2, blocks: 1}", "critics.back.discriminator.width=2", *POOLS],
    "cut": ["generator.losses.patch_nce={layers: [0, 4], patches: 8, width: 4}"],
}
LASTING = {"cyclegan": ["generators/back", "critic/image/pool"], "cut": ["stage/0/patch_nce"]}
LONG = ["train.steps=30", "train.checkpoint_every=3", "train.evaluate_every=9", "train.ema=0.9"]


def state_at_end(root: Path) -> tuple[dict[str, torch.Tensor], Any, list[Any]]:
    """The last checkpoint's weights and state, and the metrics without their times."""
    (directory,) = root.glob("runs/*/*-s0-*")
    last = checkpoints(directory / "checkpoints")[-1]
    lines = [{k: v for k, v in line.items() if k != "time"} for line in read_metrics(directory / "metrics.jsonl")]
    state = load_state(last)
    state.pop("seconds")
    return read_weights(last / WEIGHTS)[0], state, lines


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


PAIRS = ["train.supervised=true", "critics.image.representation=with_photo", "data.scenes=9"]
DROPOUT = ["generator.network={use: unet, width: 2, depth: 4}"]  # draws from torch's own generator, and has averages


@pytest.mark.parametrize(("workers", "further"), [(0, []), (2, [*PAIRS, *DROPOUT])])
def test_killed_at_random_moments_a_run_ends_with_the_same_bits(
    small: Path, tmp_path: Path, toonlab: Any, until: Any, workers: int, further: list[str]
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    arguments = ["train", small, *LONG, f"train.workers={workers}", *further]
    assert toonlab(*arguments, cwd=whole).wait() == 0
    moments = random.Random(workers)
    kills = sorted(moments.sample(range(2, 28), int(os.environ.get("TOONLAB_KILLS", "5"))))  # across both stages
    for steps in kills:
        command = toonlab(*arguments, cwd=broken)
        until(lambda at=steps, life=command: logged(broken) >= at or not life.running)
        assert command.running, command.stderr
        time.sleep(moments.random() * 0.05)
        command.kill()
    finished = toonlab(*arguments, cwd=broken)
    assert finished.wait() == 0, finished.stderr
    assert "finished before" not in finished.stdout
    assert_same(state_at_end(whole), state_at_end(broken))


def logged(root: Path) -> int:
    """The last step that the run has logged."""
    lines = (line["step"] for path in root.glob("runs/small/*/metrics.jsonl") for line in read_metrics(path))
    return max(lines, default=0)


@dataclass
class StopAt:
    """An observer that stops a run after a step."""

    step: int

    @hookimpl
    def stop_reason(self, step: int) -> str | None:
        return "enough" if step == self.step else None


def run(recipe: Path | str, root: Path, *overrides: str, stop_at: int = 0) -> Trained:
    catalogue = discover()
    name = f"stop{stop_at}"

    def make() -> StopAt:
        return StopAt(stop_at)

    catalogue.add(Offer("observers", name, make, Schema.of(make), "tests 0"))
    loaded = load(recipe, catalogue, [*overrides, f"observers={{{name}: {{}}}}"])
    return train(loaded, catalogue, root / "runs", distributed="cpu")


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4, 5])
def test_stopped_after_any_step_with_everything_that_has_a_state(small: Path, tmp_path: Path, stop_at: int) -> None:
    overrides = [
        "stages=[{name: a, steps: 3, losses: {content: {weight: 2}}}, {name: b, steps: 3, keep_optimizers: true}]",
        "train.steps=null",
        "train.ema=0.5",
        "train.evaluate_every=2",
        "generator.schedule={use: StepLR, step_size: 2, gamma: 0.5}",
        "critics.image.optimizer={use: SGD, lr: 1e-2, momentum: 0.9}",
        "critics.patch.sampler={use: random_patches, patch_size: 16, k: 2}",
        "train.flip=true",
    ]
    whole, broken = run(small, tmp_path / "whole", *overrides), run(small, tmp_path, *overrides, stop_at=stop_at)
    assert (broken.outcome.status, broken.outcome.step) == ("stopped", stop_at)
    resumed = run(small, tmp_path, *overrides)
    assert resumed.run.directory == broken.run.directory
    assert resumed.outcome.metrics == whole.outcome.metrics
    assert_same(state_at_end(tmp_path / "whole"), state_at_end(tmp_path))


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_further_networks_pools_and_losses_that_learn_go_on(tmp_path: Path, name: str) -> None:
    overrides = [*TINY, *STREAMS[name], "train.steps=6", "stages.0.epochs=1", "stages.1.epochs=1", "train.ema=0.5"]
    whole, broken = run(name, tmp_path / "whole", *overrides), run(name, tmp_path, *overrides, stop_at=4)
    assert (broken.outcome.status, broken.outcome.step) == ("stopped", 4)
    assert run(name, tmp_path, *overrides).outcome.metrics == whole.outcome.metrics
    state = state_at_end(tmp_path)
    assert_same(state_at_end(tmp_path / "whole"), state)
    assert set(LASTING[name]) <= state[1]["parts"].keys()


@pytest.fixture
def stopped(small: Path, tmp_path: Path) -> Path:
    """The directory of a run that stopped at step 3, with checkpoints of steps 1, 2 and 3."""
    return run(small, tmp_path, "train.checkpoint_every=1", stop_at=3).run.directory


def damage_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [damage_truncated, damage_empty, damage_missing])
def test_a_broken_last_checkpoint_falls_back_to_the_one_before_and_says_so(
    small: Path, tmp_path: Path, stopped: Path, damage: Any
) -> None:
    last = checkpoints(stopped / "checkpoints")[-1]
    damage(last / STATE)
    with pytest.warns(RuntimeWarning, match=rf"{last.name}/{STATE}: can't be read .*; going back to the checkpoint"):
        resumed = run(small, tmp_path)
    assert resumed.outcome.status == "finished"
    run(small, tmp_path / "whole")
    ours, theirs = state_at_end(tmp_path), state_at_end(tmp_path / "whole")
    assert_same(ours, theirs)


def test_a_checkpoint_of_another_recipe_is_refused(small: Path, tmp_path: Path, stopped: Path) -> None:
    other = run(small, tmp_path, "train.seed=1", stop_at=3).run.directory
    last = checkpoints(other / "checkpoints")[-1]
    last.rename(stopped / "checkpoints" / "step-00000004")
    with pytest.raises(ToonlabError, match="is a checkpoint of another recipe, data or code"):
        run(small, tmp_path)


def test_resume_goes_on_with_a_directory(small: Path, tmp_path: Path, stopped: Path) -> None:
    recipe = (stopped / "recipe.yaml").read_text()
    (stopped / "recipe.yaml").write_text(recipe.replace("stop3: {use: stop3}", ""))
    trained = resume(stopped, discover(), "cpu")
    assert trained.run.directory.resolve() == stopped.resolve()
    assert (trained.outcome.status, trained.outcome.step) == ("finished", 4)
    assert resume(stopped, discover(), "cpu").reused


def test_resume_says_what_changed(stopped: Path) -> None:
    (stopped / "recipe.yaml").write_text((stopped / "recipe.yaml").read_text().replace("stop3: {use: stop3}", ""))
    environment = json.loads((stopped / "environment.json").read_text())
    environment["identity"]["code"]["toonlab_ctss"] = "other"
    (stopped / "environment.json").write_text(json.dumps(environment))
    renamed = stopped.rename(stopped.with_name(stopped.name[:-8] + "00000000"))
    with pytest.raises(ToonlabError, match="the code of toonlab_ctss has changed since it began"):
        resume(renamed, discover(), "cpu")


def test_resume_wants_a_run(tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match="not the directory of a run"):
        resume(tmp_path, discover(), "cpu")


def test_two_processes_do_not_train_in_one_directory(small: Path, tmp_path: Path) -> None:
    """The second one leaves the files of the first as they are."""
    errors = []

    class Second:
        """Asks for the same run while it is trained."""

        @hookimpl
        def on_run_start(self, run: Run) -> None:
            try:
                train(load(small, discover()), discover(), tmp_path / "runs", distributed="cpu", command="second")
            except ToonlabError as error:
                errors.append(str(error))

    def make() -> Second:
        return Second()

    catalogue = discover()
    catalogue.add(Offer("observers", "second", make, Schema.of(make), "tests 0"))
    recipe = load(small, catalogue, ["observers={second: {}}"])
    train(recipe, catalogue, tmp_path / "runs", distributed="cpu", command="first")
    (error,) = errors
    assert "another process trains there" in error
    (environment,) = (tmp_path / "runs").glob("small/*/environment.json")
    assert json.loads(environment.read_text())["command"] == "first"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_stops(
    small: Path, tmp_path: Path, toonlab: Any, until: Any, number: signal.Signals, code: int
) -> None:
    command = toonlab("train", small, "train.steps=2000", "train.workers=2")
    until(lambda: logged(tmp_path) >= 3 or not command.running)
    os.killpg(command.pid, number) if number == signal.SIGINT else os.kill(command.pid, number)
    assert command.wait() == code
    assert f"stopped by {number.name} at step" in command.stderr
    assert "Traceback" not in command.stderr
    (directory,) = tmp_path.glob("runs/small/small-*")
    outcome = json.loads((directory / "outcome.json").read_text())
    assert outcome["status"] == "stopped"
    assert checkpoints(directory / "checkpoints")[-1].name == f"step-{outcome['step']:08d}"


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files can't grow beyond 40 kB: a write fails as on a full disk."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python would cut its own files
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_fails_the_run_and_leaves_the_last_checkpoint_whole(
    small: Path, tmp_path: Path, stopped: Path, small_disk: None
) -> None:
    before = [path.name for path in checkpoints(stopped / "checkpoints")]
    with pytest.raises(ToonlabError, match=r"can't be written: File too large; .* from step 3"):
        run(small, tmp_path)
    assert json.loads((stopped / "outcome.json").read_text())["status"] == "failed"
    assert [path.name for path in checkpoints(stopped / "checkpoints")] == before
    assert not list((stopped / "checkpoints").glob(".*"))
    assert load_state(checkpoints(stopped / "checkpoints")[-1])["step"] == 3


SELECT = ["train.steps=6", "train.checkpoint_every=2", "train.evaluate_every=2", "train.select=psnr"]
KILLED = """
import os, signal, sys
from pathlib import Path
from toonlab import discover, hookimpl
from toonlab.engine.train import train
from toonlab.recipes.load import load

class Kill:
    @hookimpl
    def on_evaluation_end(self, step):
        if step == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

catalogue = discover()
recipe = load(Path(sys.argv[1]), catalogue, sys.argv[4:])
train(recipe, catalogue, Path(sys.argv[2]), distributed="cpu", listeners={"kill": Kill()})
"""


@pytest.mark.parametrize("step", [2, 4])
def test_a_kill_after_an_evaluation_was_logged_loses_no_best_weights(
    small: Path, program: Callable[..., Any], tmp_path: Path, step: int
) -> None:
    catalogue = discover()
    recipe = load(small, catalogue, SELECT)
    whole = train(recipe, catalogue, tmp_path / "whole", distributed="cpu")
    killed = program(KILLED, small, tmp_path / "broken", step, *SELECT)
    assert killed.wait() == -signal.SIGKILL, killed.stderr
    (left,) = (tmp_path / "broken").glob("small/small-*/best")
    (left / ".step-00000002.1").mkdir()  # of a process that was killed while it wrote, as the others
    for name in (".outcome.json.1", "samples/.0123456789abcdef.1", "checkpoints/.step-00000002.1"):
        (left.parent / name).touch()
    broken = train(recipe, catalogue, tmp_path / "broken", distributed="cpu")
    assert broken.outcome.metrics == whole.outcome.metrics
    files = [{path.relative_to(one.run.directory) for path in one.run.directory.rglob("*")} for one in (whole, broken)]
    assert files[0] == files[1]
