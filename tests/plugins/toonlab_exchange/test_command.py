"""`toonlab export` and `toonlab import`, as a user types them, and what their files are used for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from toonlab import open_run
from toonlab.cli.app import app

from .conftest import Writer
from .test_originals import published, small_whitebox

Typed = Callable[..., Result]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of a small recipe on photos of 33x30 pixels."""
    root = tmp_path_factory.mktemp("trained")
    (root / "photos").mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        small = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        small.resize((33, 30), Image.Resampling.BICUBIC).save(root / "photos" / f"{index}.png")
    recipe = f"""\
data: {{use: folder, photos: {root}/photos, cartoons: {root}/photos}}
generator: {{network: {{use: ctss_unet, width: 2}}, losses: {{reconstruction: {{}}}}}}
train: {{size: 16, batch: 2, steps: 2}}
evaluate: {{metrics: [content_edges], samples: 3, grid: 1}}
"""
    (root / "small.yaml").write_text(recipe)
    done = CliRunner().invoke(app, ["train", str(root / "small.yaml"), "--runs", str(root / "runs")])
    assert done.exit_code == 0, done.output
    return root


@pytest.fixture
def typed(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Runs a command beside a copy of the folder; RUN is the run's directory in it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    (run,) = Path("runs/small").iterdir()
    return lambda *words: CliRunner().invoke(app, [str(run) if word == "RUN" else str(word) for word in words])


def lines(done: Result) -> list[str]:
    return (done.stdout + done.stderr).splitlines()


def pixels(path: str) -> np.ndarray[Any, Any]:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


def test_an_exported_run_is_a_row_and_a_model_as_the_run_itself(typed: Typed) -> None:
    done = typed("export", "RUN", "--onnx", "--license", "CC0-1.0")
    assert done.exit_code == 0, done.output
    (file,) = Path("runs/small").glob("*/generator.onnx")
    assert lines(done) == [f"{file}: 0.2 MB"]
    notes = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    run = open_run(file.parent)
    assert json.loads(notes["toonlab"]) == run.recipe
    assert notes["license"] == "CC0-1.0"
    assert lines(typed("export", "RUN", "--onnx")) == [
        f"error: {file}: is there already; remove it, or give another --out"
    ]

    theirs = f"extends: small.yaml\ngenerator: {{network: {{use: onnx, path: {file}}}, losses: null}}\n"
    Path("theirs.yaml").write_text(theirs)
    for model, out in (("theirs.yaml", "a"), ("RUN", "b")):
        assert typed("cartoonize", model, "photos", "--out", out).exit_code == 0
    assert all(np.abs(pixels(f"a/{i}.png") - pixels(f"b/{i}.png")).max() <= 1 for i in range(3))

    assert typed("train", "theirs.yaml").exit_code == 0
    (measured,) = Path("runs/theirs").iterdir()
    assert open_run(measured).metrics["content_edges"] == pytest.approx(run.metrics["content_edges"], rel=1e-4)
    model = onnx.load(file)
    model.doc_string = "another file"
    onnx.save(model, file)
    assert typed("train", "theirs.yaml").exit_code == 0
    assert len(list(Path("runs/theirs").iterdir())) == 2


def test_an_exported_file_is_scored_as_the_pictures_that_it_draws(typed: Typed) -> None:
    file = "ours.onnx"
    assert typed("export", "RUN", "--onnx", "--out", file).exit_code == 0
    assert (
        typed(
            "cartoonize", "identity", "photos", "--out", "by", f"generator.network={{use: onnx, path: {file}}}"
        ).exit_code
        == 0
    )
    done = typed("score", file, "by", "--photos", "photos", "--metrics", "content_edges", "--json")
    assert done.exit_code == 0, done.output
    drawn, read = json.loads(done.stdout)
    assert (drawn["pictures"], read["pictures"]) == (file, "by")
    assert drawn["metrics"]["content_edges"] == pytest.approx(read["metrics"]["content_edges"], abs=0.01)
    assert drawn["metrics"] != drawn["photo"]
    refused = typed("score", file, "--cartoons", "photos")
    assert (refused.exit_code, lines(refused)[-1]) == (
        2,
        f"error: {file}: a network needs photos to draw; give --photos",
    )


def test_an_exported_file_is_a_row_of_a_comparison(typed: Typed) -> None:
    assert typed("export", "RUN", "--onnx", "--out", "ours.onnx").exit_code == 0
    Path("own.yaml").write_text("""\
recipes: [small.yaml, {use: onnx, path: ours.onnx, name: theirs}]
set:
  data: {use: folder, photos: photos, cartoons: photos}
  train.size: 16
  evaluate.metrics: [flatness, content_edges]
seeds: 1
metrics: {primary: flatness, also: [content_edges]}
""")
    done = typed("compare", "own.yaml")
    assert done.exit_code == 0, done.output
    runs = {run.parent.name: open_run(run.parent) for run in Path("runs/own").glob("*/recipe.yaml")}
    (theirs,) = [run for name, run in runs.items() if name.startswith("theirs")]
    (small,) = [run for name, run in runs.items() if name.startswith("small")]
    assert theirs.metrics["content_edges"] == pytest.approx(small.metrics["content_edges"], rel=1e-3)
    assert "theirs" in done.stdout  # its row


def test_an_import_is_a_model_and_a_beginning(typed: Typed, golden_variables: Any, write_bundle: Writer) -> None:
    write_bundle(Path("model-1"), published(small_whitebox(golden_variables)))
    done = typed("import", "whitebox", "model-1.index", "--out", "new/w.safetensors")
    assert lines(done) == ["new/w.safetensors: whitebox: the authors' weights, from model-1"]
    assert typed("cartoonize", "new/w.safetensors", "photos", "--out", "out").exit_code == 0
    assert pixels("out/0.png").shape == (30, 33, 3)
    begun = ["generator.network={use: whitebox_unet, width: 8}", "generator.weights=new/w.safetensors"]
    assert typed("train", "small.yaml", *begun, "generator.optimizer.lr=1e-9").exit_code == 0
    begun_run = next(run for run in map(open_run, Path("runs/small").iterdir()) if "whitebox" in str(run.recipe))
    photo = pixels("photos/0.png").astype(np.uint8)
    difference = np.asarray(begun_run.cartoonize(photo)).astype(int) - pixels("out/0.png")
    assert np.abs(difference).max() <= 1
    again = typed("import", "whitebox", "model-1.index", "--out", "new/w.safetensors")
    assert lines(again) == ["error: new/w.safetensors: is there already; remove it, or give another --out"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("export", "RUN"), "name the form: --onnx"),
        (("export", "nowhere", "--onnx"), "nowhere: no such run, file of weights or recipe"),
        (("import", "ctss", "a.index", "--out", "a.pt"), "--out a.pt: expected a name that ends in .safetensors"),
        (("import", "ctss", "a.index", "--out", "a.safetensors"), "a.index: no such file; a TensorFlow checkpoint"),
    ],
)
def test_mistakes_are_one_line(typed: Typed, words: tuple[str, ...], error: str) -> None:
    done = typed(*words)
    assert done.exit_code == 2
    (line,) = lines(done)
    assert line.startswith(f"error: {error}")
