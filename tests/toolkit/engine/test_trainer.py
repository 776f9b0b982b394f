"""The training loop: what is due after a step, how often the generator runs, and what is made up after a resume."""

from __future__ import annotations

import io
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils._pytree import tree_leaves

from toonlab import DivergedError, ToonlabError, discover, hookimpl
from toonlab.engine.checkpoint import STATE, checkpoints, latest_state, load_state
from toonlab.engine.evaluator import Evaluator
from toonlab.engine.integrity import sealed_state
from toonlab.engine.train import Trained, train
from toonlab.engine.trainer import is_best
from toonlab.engine.weights import WEIGHTS, read_weights
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import read_metrics


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def run(small: Path, catalogue: Catalogue, root: Path, *overrides: str) -> Trained:
    return train(load(small, catalogue, overrides), catalogue, root, distributed="cpu")


def kinds(trained: Trained) -> list[tuple[int, str]]:
    lines = read_metrics(trained.run.directory / "metrics.jsonl")
    return [(line["step"], kind) for line in lines for kind in line if kind not in ("step", "time")]


def test_what_is_due_happens_on_its_steps_and_on_the_first_and_last(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    every = ["train.steps=7", "train.log_every=3", "train.evaluate_every=4", "train.checkpoint_every=5"]
    trained = run(small, catalogue, tmp_path / "runs", *every)
    assert kinds(trained) == [
        *[(1, "scalars"), (3, "scalars"), (4, "evaluation")],
        *[(6, "scalars"), (7, "scalars"), (7, "evaluation")],
    ]
    saved = [path.name for path in checkpoints(trained.run.directory / "checkpoints")]
    assert saved == ["step-00000005", "step-00000007"]


def test_an_evaluation_runs_the_generator_once_for_metrics_and_grid(
    small: Path, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three samples are one batch: one forward pass for each evaluation."""
    passes: list[int] = []
    evaluate = Evaluator.evaluate

    def watched(self: Evaluator, generator: nn.Module, *arguments: Any, **others: Any) -> Any:
        hook = generator.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
        try:
            return evaluate(self, generator, *arguments, **others)
        finally:
            hook.remove()

    monkeypatch.setattr(Evaluator, "evaluate", watched)
    recipe = load(small, catalogue, ["train.evaluate_every=2", "evaluate.samples=3"])
    trained = train(recipe, catalogue, tmp_path / "runs", distributed="cpu", split="test")
    assert passes == [3, 3, 3], "steps 2 and 4, and the test split"
    assert len(list((trained.run.directory / "samples").glob("step-*.png"))) == 2


def test_an_evaluation_that_a_kill_prevented_is_made_up(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    every = ["train.evaluate_every=2", "train.checkpoint_every=2"]
    whole = run(small, catalogue, tmp_path / "whole", *every)
    broken = run(small, catalogue, tmp_path / "broken", *every)
    directory = broken.run.directory
    file = directory / "metrics.jsonl"
    lines = [line for line in read_metrics(file) if line["step"] <= 2 and "evaluation" not in line]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (directory / "outcome.json").unlink()
    for path in (directory / "checkpoints").glob("step-00000004/*"):
        path.unlink()
    (directory / "checkpoints" / "step-00000004").rmdir()
    resumed = run(small, catalogue, tmp_path / "broken", *every)
    assert not resumed.reused
    assert kinds(resumed) == kinds(whole)
    assert resumed.outcome.metrics == whole.outcome.metrics


def test_a_run_that_was_killed_after_its_last_evaluation_gets_its_outcome(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    first = run(small, catalogue, tmp_path / "runs")
    before = kinds(first)
    (first.run.directory / "outcome.json").unlink()
    again = run(small, catalogue, tmp_path / "runs")
    assert (again.reused, again.outcome.status, again.outcome.step) == (False, "finished", 4)
    assert again.outcome.metrics == first.outcome.metrics
    assert again.outcome.photo == first.outcome.photo
    assert kinds(again) == before


def test_a_metric_that_gets_worse_keeps_the_first_weights(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    every = ["train.evaluate_every=1", "train.select=psnr", "generator.optimizer.lr=0"]
    trained = run(small, catalogue, tmp_path / "runs", *every)
    assert [path.name for path in checkpoints(trained.run.directory / "best")] == ["step-00000001"]


def test_a_loss_that_is_not_finite_is_named_with_its_step(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """The second of two losses is the one that diverges; its value and step are in the message and the outcome."""
    with pytest.raises(DivergedError, match=r"^diverged at step 2: generator/content, generator/total are (nan|inf)$"):
        run(small, catalogue, tmp_path / "runs", "generator.optimizer={use: SGD, lr: 1e30}")
    (outcome,) = tmp_path.glob("runs/small/*/outcome.json")
    written = json.loads(outcome.read_text())
    assert (written["status"], written["step"]) == ("failed", 2)
    assert written["reason"].startswith("diverged at step 2")


@pytest.mark.parametrize(
    ("value", "earlier", "higher", "expected"),
    [
        (2.0, [], True, True),
        (2.0, [1.0, 1.5], True, True),
        (2.0, [1.0, 3.0], True, False),
        (2.0, [3.0, 2.5], False, True),
        (2.0, [1.0, 3.0], False, False),
        (2.0, [2.0], True, False),
        (2.0, [2.0], False, False),
        (None, [], True, False),
    ],
)
def test_the_best_is_better_than_all_before(
    value: float | None, earlier: list[float], higher: bool, expected: bool
) -> None:
    assert is_best(value, [{"psnr": v} for v in earlier], "psnr", higher_is_better=higher) == expected


def test_weights_that_are_not_finite_are_not_saved_and_a_resumed_run_begins_before_them(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    """The losses are only read at the first and the last of ten steps; the weights are infinite after the second."""
    rates = ["generator.optimizer={use: SGD, lr: 1e30}", "train.steps=10", "train.log_every=10"]
    for _ in range(2):
        with pytest.raises(
            DivergedError, match=r"^diverged by step \d: .* is not finite; earlier checkpoints are kept$"
        ):
            run(small, catalogue, tmp_path / "runs", *rates, "train.checkpoint_every=1")
        (directory,) = tmp_path.glob("runs/small/small-*")
        saved = checkpoints(directory / "checkpoints")
        assert saved
        for path in saved:
            load_state(path)
            read_weights(path / WEIGHTS)
        assert json.loads((directory / "outcome.json").read_text())["reason"].startswith("diverged by step")


def test_a_state_of_another_shape_is_one_line(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    directory = run(small, catalogue, tmp_path / "runs").run.directory
    (directory / "outcome.json").unlink()
    path = checkpoints(directory / "checkpoints")[-1] / STATE
    state = load_state(path.parent)
    buffer = io.BytesIO()
    torch.save({**state, "parts": {}}, buffer)
    path.write_bytes(sealed_state(buffer.getvalue()))
    with pytest.raises(
        ToonlabError, match=r"state.pt: doesn't fit this recipe; remove it to resume from the one before: Key"
    ):
        run(small, catalogue, tmp_path / "runs")


def test_lines_that_are_gone_are_warned_of_and_a_damaged_one_costs_only_itself(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    directory = run(small, catalogue, tmp_path / "runs").run.directory
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    (directory / "metrics.jsonl").write_text("\n".join([*lines[:1], "[]", *lines[3:]]) + "\n")
    (directory / "outcome.json").unlink()
    with (
        pytest.warns(RuntimeWarning, match=r"line 2: got \[\], input should be an object; the line is left out"),
        pytest.warns(RuntimeWarning, match="2 of the 4 lines up to step 4 are gone"),
    ):
        assert run(small, catalogue, tmp_path / "runs").outcome.status == "finished"


def test_data_that_fail_cost_no_step(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """Photos that vanish in step 3 of 4: the two steps before are saved, and the resumed run ends as if undisturbed."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "cartoons").mkdir()
    for index, name in product(range(4), ("photos", "cartoons")):
        Image.effect_noise((40, 40), 50 + index).convert("RGB").save(tmp_path / name / f"{index}.png")
    folders = [f"data.{name}={tmp_path / name}" for name in ("photos", "cartoons")]
    overrides = ["data={use: folder}", *folders, "evaluate.metrics=[]", "train.workers=0"]

    class Vanishing:
        @hookimpl
        def on_step_end(self, step: int) -> None:
            if step == 2:
                (tmp_path / "photos").rename(tmp_path / "away")

    recipe = load(small, catalogue, overrides)
    with pytest.raises(ToonlabError, match=r"none of its pictures can be decoded: .*continues from step 2$"):
        train(recipe, catalogue, tmp_path / "runs", distributed="cpu", listeners={"vanishing": Vanishing()})
    (tmp_path / "away").rename(tmp_path / "photos")
    resumed = train(recipe, catalogue, tmp_path / "runs", distributed="cpu")
    whole = train(recipe, catalogue, tmp_path / "whole", distributed="cpu")
    assert [step for step, kind in kinds(resumed) if kind == "scalars"] == [1, 2, 3, 4]
    last = [latest_state(one.run.directory / "checkpoints", one.run.identity) for one in (resumed, whole)]
    for one, other in zip(*(tensors(state) for state in last), strict=True):
        assert torch.equal(one, other)


def tensors(state: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(state) if isinstance(leaf, torch.Tensor)]
