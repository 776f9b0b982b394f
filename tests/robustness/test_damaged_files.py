"""Every file that toonlab reads back, damaged in thousands of ways: it is read, or refused in one line, and soon.

Seeds are fixed. A flipped bit of a checkpoint's file is always found.
"""

from __future__ import annotations

import io
import json
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.torch
import torch
from damage import Damage, bits, bytes_, mistyped, nesting, truncation, types_json, types_of_a_line
from PIL import Image
from typer.testing import CliRunner

import toonlab
from toonlab.cli.app import app
from toonlab.engine import checkpoint
from toonlab.engine.builder import build
from toonlab.engine.integrity import is_whole_state, is_whole_weights, metadata_of, sealed_state, sealed_weights
from toonlab.engine.stages import enter
from toonlab.engine.weights import load_generator
from toonlab.errors import RecipeError, ToonlabError
from toonlab.recipes.load import load
from toonlab.report.history import by_step
from toonlab.runs.directory import read_environment, read_outcome
from toonlab.runs.pictures import read_pictures
from toonlab.runs.sync import read_run
from toonlab.utils import yaml
from toonlab.utils.distributed import DistributedContext
from toonlab_mlflow import MLflow, store
from toonlab_mlflow.directory import read_key, run_key
from toonlab_mlflow.values import MetricsReader

RECIPE = {
    "data": {"use": "toonworld", "size": 32, "scenes": 8, "evaluation_scenes": 3},
    "generator": {
        "network": {"use": "ctss_unet", "width": 2},
        "losses": {"total_variation": {}},
        "schedule": {"use": "MultiStepLR", "milestones": [1, 3]},
    },
    "critics": {"image": {"discriminator": {"use": "ctss_image", "width": 2}, "objective": "lsgan"}},
    "train": {"size": 32, "batch": 2, "steps": 4, "log_every": 1, "evaluate_every": 2, "checkpoint_every": 2},
    "stages": [{"name": "all", "share": 1}],
    "evaluate": {"metrics": ["lines", "psnr"], "samples": 3, "grid": 2},
    "observers": {"progress": {}},
}
LIMIT = 5  # seconds for a case
STATE, WEIGHTS = "checkpoints/step-00000004/state.pt", "checkpoints/step-00000004/generator.safetensors"


@pytest.fixture(scope="module")
def catalogue() -> toonlab.Catalogue:
    return toonlab.discover()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: None) -> Path:
    """The directory of a finished run, with all kinds of files."""
    run = toonlab.train(RECIPE, name="small", runs=tmp_path_factory.mktemp("runs"), device="cpu")
    run_key(run.directory)
    path = run.directory / "recipe.yaml"
    path.write_text(json.dumps(yaml.load_file(path), indent=1))  # JSON is YAML, and more easily damaged
    return run.directory


def retyped_state(content: bytes, draw: Random) -> bytes:
    """A state with a value of another type, or tensors of other shapes; its checksum is right."""
    state = torch.load(io.BytesIO(content), weights_only=True)
    while True:
        changed = mistyped(_plain(state), draw) if draw.randrange(4) else _reshaped(state, draw)
        buffer = io.BytesIO()
        try:
            torch.save(changed, buffer)
        except (RecursionError, OverflowError):
            continue
        return sealed_state(buffer.getvalue())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _reshaped(value: Any, draw: Random) -> Any:
    """The same tree with other shapes and types of some tensors."""
    if isinstance(value, torch.Tensor) and not draw.randrange(8):
        return draw.choice([value[None], value.flatten()[:1], value.to(torch.int32), torch.stack([value, value])])
    if isinstance(value, dict):
        return {key: _reshaped(inner, draw) for key, inner in value.items()}
    return value


def retyped_weights(content: bytes, draw: Random) -> bytes:
    """Weights whose recipe has a value of another type, or whose tensors are others; the checksum is right."""
    metadata, tensors = metadata_of(content), safetensors.torch.load(content)
    del metadata["checksum"]
    if draw.randrange(4):
        metadata["toonlab"] = types_json(metadata["toonlab"].encode(), draw).decode()
    else:
        name = draw.choice(sorted(tensors))
        tensors[name] = draw.choice([torch.zeros(2, 3), tensors[name].double(), tensors[name] * float("nan")])
    return sealed_weights(safetensors.torch.save(tensors), metadata)


class Kind(NamedTuple):
    """A kind of file: its path in the run, its reader, and a damage that leaves it well-formed."""

    path: str
    read: Callable[[Path, toonlab.Catalogue], object]
    types: Damage
    cases: int = 150  # of each damage


def _resumed(path: Path, catalogue: toonlab.Catalogue) -> object:
    """What a resumed training does with a state."""
    state = checkpoint.load_state(path.parent)
    try:
        recipe = load(path.parents[2] / "recipe.yaml", catalogue)
        gan = build(recipe, catalogue, DistributedContext(torch.device("cpu")))
        stage = enter(gan, recipe, 0, 0, 4, None)
        checkpoint.restore(state, gan, stage)
    except Exception as error:  # the trainer makes it a ToonlabError
        raise ToonlabError(" ".join(str(error).split())) from error
    images = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    return gan.step(stage, toonlab.Batch(*images), 3)


KINDS = [
    Kind("outcome.json", lambda path, _: read_outcome(path.parent), types_json),
    Kind("environment.json", lambda path, _: read_environment(path.parent), types_json),
    Kind("metrics.jsonl", lambda path, _: [*by_step(path.parent), *MetricsReader(path).new()], types_of_a_line),
    Kind("mlflow.json", lambda path, _: read_key(path.parent), types_json),
    Kind("pictures/index.json", lambda path, _: read_pictures(path.parents[1]), types_json),
    Kind("recipe.yaml", lambda path, catalogue: load(path, catalogue).tree, types_json, 60),
    Kind(WEIGHTS, load_generator, retyped_weights, 60),
    Kind(STATE, _resumed, retyped_state, 30),
]


class LateError(BaseException):
    """A case that takes too long; no `except Exception` of a reader swallows it."""


@contextmanager
def answered(what: str) -> Iterator[list[str]]:
    """Within, a file is read in time, or refused in one line; the answers are errors and warnings."""

    def late(*_: object) -> None:
        raise LateError(f"{what}: no answer within {LIMIT} s")

    answers: list[str] = []
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield answers
            answers.append("")  # it was read
    except ToonlabError as error:
        problems = len(error.problems) if isinstance(error, RecipeError) else 1
        answers += [str(error)] if str(error).count("\n") < problems else []
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert answers, f"{what}: several lines"
    answers += [str(warning.message) for warning in caught]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.path.rpartition("/")[2] for kind in KINDS])
def test_a_damaged_file_is_read_or_refused_in_one_line(
    kind: Kind, finished: Path, catalogue: toonlab.Catalogue, tmp_path: Path
) -> None:
    directory = tmp_path / "runs" / "small" / finished.name
    shutil.copytree(finished, directory)
    path = directory / kind.path
    content = path.read_bytes()
    for damage in (bits, bytes_, truncation, nesting, kind.types):
        for seed in range(kind.cases):
            damaged = damage(content, Random(f"{kind.path} {damage.__name__} {seed}"))
            path.write_bytes(damaged)
            with answered(f"{damage.__name__} {seed}") as answers:
                kind.read(path, catalogue)
            if kind.path in (STATE, WEIGHTS) and damage is not kind.types and damaged != content:
                assert any(answers), f"{damage.__name__} {seed}: accepted"


def text(content: bytes, draw: Random) -> bytes:
    return b"no database\n" * draw.randrange(1, 2000)


@pytest.mark.filterwarnings("ignore")  # of SQLAlchemy, at MLflow
def test_a_damaged_store_of_mlflow_is_used_or_refused_in_one_line(finished: Path, tmp_path: Path) -> None:
    """A folder of runs of its own for each case: MLflow keeps the connections of a process by their addresses."""
    store.load()
    run, outcome = read_run(shutil.copytree(finished, tmp_path / "whole" / "small" / finished.name))
    observer = MLflow(tracking_uri=None)
    assert "sent " in observer.sync(run, outcome)
    content = (tmp_path / "whole" / "mlflow.db").read_bytes()
    refused = 0
    for damage in (bits, bytes_, truncation, text, None):
        for seed in range(5 if damage else 1):
            root = tmp_path / f"{damage} {seed}"
            run, outcome = read_run(shutil.copytree(finished, root / "small" / finished.name))
            path = root / "mlflow.db"
            path.write_bytes(damage(content, Random(f"mlflow {damage.__name__} {seed}"))) if damage else path.mkdir()
            with answered(f"{damage} {seed}") as answers:
                observer.sync(run, outcome)
            refused += bool(answers[0])
    assert refused > 5


@pytest.mark.parametrize("name", [STATE, WEIGHTS])
def test_no_flipped_bit_of_a_checkpoint_is_accepted(name: str, finished: Path) -> None:
    content = bytearray((finished / name).read_bytes())
    whole = is_whole_state if name == STATE else is_whole_weights
    assert whole(bytes(content)) is True
    draw = Random(name)
    for place in draw.sample(range(len(content)), 1500):
        content[place] ^= 1 << (bit := draw.randrange(8))
        assert whole(bytes(content)) is not True
        content[place] ^= 1 << bit


@pytest.mark.parametrize("kind", KINDS, ids=[kind.path.rpartition("/")[2] for kind in KINDS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_command_that_meets_a_damaged_file_says_a_line_or_works(
    kind: Kind, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOONLAB_TRACKING_URI", "")
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    directory = tmp_path / "runs" / "small" / finished.name
    for number, damage in enumerate((bytes_, truncation, nesting, kind.types, None)):
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(finished, directory)
        path = directory / kind.path
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(damage(content, Random(number))) if damage else path.mkdir()
        if kind.path != "outcome.json":
            (directory / "outcome.json").unlink()
        for command in (
            ["cartoonize", directory, tmp_path / "photo.png", "--out", tmp_path / "out"],
            ["resume", directory],
        ):
            result = CliRunner().invoke(app, [*map(str, command)], env={"COLUMNS": "200", "NO_COLOR": "1"})
            assert result.exception is None or isinstance(result.exception, SystemExit), (damage, command)
            assert result.exit_code in (0, 2), result.stderr
            errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
            assert bool(errors) == (result.exit_code == 2), result.stderr
