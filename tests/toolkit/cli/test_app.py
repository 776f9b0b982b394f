"""The commands as a user types them, each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toonlab.registry.protocols import KINDS


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def toonlab(command: Callable[..., Any], tmp_path: Path) -> Callable[..., Done]:
    def run(*arguments: str, **environment: str) -> Done:
        process = command(*arguments, cwd=tmp_path, **environment)
        return Done(process.wait(), process.stdout, process.stderr)

    return run


def test_help_and_import_load_nothing_heavy() -> None:
    code = (
        "import sys, toonlab, toonlab.cli.app\n"
        "try: toonlab.cli.app.app(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'mlflow', 'optuna', 'matplotlib', 'torchmetrics', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(command in done.stdout for command in ("train", "compare", "plugins", "recipes", "world"))


def test_using_the_library_imports_no_tracker() -> None:
    code = (
        "import sys, toonlab; toonlab.discover(); from toonlab.engine.train import train\n"
        "print([m for m in ('mlflow', 'optuna', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_plugins_lists_every_part_with_its_parameters(toonlab: Callable[..., Done]) -> None:
    shown = toonlab("plugins").stdout
    assert all(kind in shown for kind in KINDS)
    assert "patch_size: int, > 0 = 96  (search 16 … 128, step 8)" in shown
    assert "rank: batch | image = batch" in shown
    assert "photos: Path  (must be given)" in shown
    listed = json.loads(toonlab("plugins", "--json").stdout)
    ctss = next(part for part in listed["kinds"]["samplers"] if part["name"] == "ctss")
    patch_size = next(p for p in ctss["parameters"] if p["name"] == "patch_size")
    assert patch_size["tunable"] == {"low": 16, "high": 128, "step": 8, "log": False}
    assert (patch_size["type"], patch_size["constraints"], patch_size["default"]) == ("int", "> 0", 96)
    assert ctss["distribution"].startswith("toonlab ")


def test_recipes_lists_what_ships(toonlab: Callable[..., Done]) -> None:
    shown = toonlab("recipes").stdout
    assert all(f"  {name}" in shown for name in ("ctss", "plain", "tiny", "demo"))
    assert "Gao, Zhang and Tian, ICML 2022" in shown


def test_print_shows_the_resolved_recipe_and_trains_nothing(toonlab: Callable[..., Done], tmp_path: Path) -> None:
    done = toonlab("train", "ctss", "--at", "tiny", "--print", "train.steps=7")
    assert done.returncode == 0
    assert "steps: 7" in done.stdout
    assert "guided_eps: 0.2" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_train_says_where_everything_is_and_does_not_train_twice(
    toonlab: Callable[..., Done], small: Path, tmp_path: Path
) -> None:
    arguments = ("train", str(small), "observers={mlflow: {}, progress: {}}")
    done = toonlab(*arguments)
    assert done.returncode == 0, done.stderr
    assert "the unmodified photo" in done.stdout
    (run,) = tmp_path.glob("runs/small/small-s0-*")
    for path in ("samples/step-00000004.png", "checkpoints/step-00000004/generator.safetensors"):
        assert str(Path("runs/small") / run.name / path) in done.stdout
        assert (run / path).exists()
    assert f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/runs/mlflow.db" in done.stdout
    again = toonlab(*arguments)
    assert "finished before, not run again" in again.stdout


def test_compare_ends_with_the_table_and_the_paths(toonlab: Callable[..., Done], small: Path, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("recipes: [small]\nseeds: 3\nmetrics: {primary: outline_f1}\n")
    done = toonlab("compare", "study.yaml", "--seeds", "1", "train.steps=2")
    assert done.returncode == 0, done.stderr
    assert "outline_f1" in done.stdout
    assert str(Path("runs/study/samples.png")) in done.stdout
    assert (tmp_path / "runs/study/results.md").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "cts"], "error: cts: no such recipe; did you mean 'ctss'?"),
        (["train", "nowhere/x.yaml"], "error: nowhere/x.yaml: no such file"),
        (["train", "ctss"], "error: ctss: data.photos: must be given: data.photos=…, Path"),
        (["train", "ctss", "--at", "tyni"], "error: tyni: no such file of overrides; did you mean 'tiny'?"),
        (["train", "ctss", "steps"], "error: 'steps': expected key=value"),
        (["train", "ctss", "--at", "tiny", "critics.patch.sampler.k=999"], "k can be at most"),
        (["train", "ctss", "--at", "tiny", "critics.patch.sampler.patch_size=999"], "critics.patch.sampler"),
        (["train", "ctss", "data.photos=nowhere", "data.cartoons=nowhere"], "nowhere"),
        (["train", "ctss", "--at", "tiny", "--device", "abacus"], "error: --device abacus"),
        (["compare", "dmo"], "error: dmo: no such experiment; did you mean 'demo'?"),
        (["compare", "demo", "trian.steps=3"], "trian.steps: no recipe has this path"),
        (["world", "--out", "x", "--count", "0"], "count"),
        (["tran"], "No such command 'tran'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, toonlab: Callable[..., Done], tmp_path: Path
) -> None:
    done = toonlab(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_plugin_that_does_not_load_is_a_warning(toonlab: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("import nowhere_to_be_found\n")
    info = tmp_path / "broken_one-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-one\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[toonlab]\nbroken = broken_one\n")
    shown = toonlab("plugins", PYTHONPATH=str(tmp_path))
    assert "not loaded: plugin 'broken' of broken-one 0.1: failed to import broken_one" in shown.stdout
    train = toonlab("train", "ctss", "--at", "tiny", "--print", PYTHONPATH=str(tmp_path))
    assert train.returncode == 0
    assert "warning: plugin 'broken' of broken-one 0.1" in train.stderr
