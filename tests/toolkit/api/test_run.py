"""A run is what its directory holds: values, frames, pictures, and what a notebook or a terminal shows."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rendered_clips import encode, shown

import toonlab
from toonlab.api import run as module


class Page(HTMLParser):
    """Tags in their order, and the text; unclosed and unknown ones are found by counting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def lines(run: toonlab.TrainedRun) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.directory / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def unfinished(run: toonlab.TrainedRun, tmp_path: Path) -> toonlab.TrainedRun:
    """The same run, killed before its end."""
    directory = tmp_path / "runs" / "odd" / run.name
    shutil.copytree(run.directory, directory)
    (directory / "outcome.json").unlink()
    return toonlab.open_run(directory)


def test_values_are_those_of_the_directory(run: toonlab.TrainedRun) -> None:
    outcome = json.loads((run.directory / "outcome.json").read_text())
    assert isinstance(run, toonlab.Run)
    assert run.outcome.to_json() == outcome
    assert (run.metrics, run.photo) == (outcome["metrics"], outcome["photo"])
    assert {"lines", "psnr"} <= run.metrics.keys()
    assert [path.name for path in run.samples] == ["step-00000002.png", "step-00000004.png"]
    assert run.weights == run.directory / "checkpoints" / "step-00000004" / "generator.safetensors"
    assert not run.reused


def test_the_history_is_that_of_the_metrics_file(run: toonlab.TrainedRun) -> None:
    history = run.history
    assert list(history.index) == [1, 2, 3, 4]
    for line in lines(run):
        for name, value in {**line.get("scalars", {}), **line.get("evaluation", {})}.items():
            assert history.loc[line["step"], name] == value
    assert history["lines"].notna().tolist() == [False, True, False, True]
    assert history["seconds"].is_monotonic_increasing
    assert history["seconds"].iloc[-1] < 300  # since the run began, not since 1970


def test_a_run_is_opened_by_its_directory(run: toonlab.TrainedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toonlab.open_run(run.directory).directory == run.directory
    monkeypatch.chdir(run.root.parent)
    opened = toonlab.open_run(str(run.directory.relative_to(run.root.parent)))
    assert opened.directory == Path(run.root.name, "<b>odd", run.name)  # as it was given
    assert (opened.recipe_name, opened.seed, opened.metrics) == ("<b>odd", 0, run.metrics)
    monkeypatch.chdir(run.directory)
    assert toonlab.open_run(".").directory == run.directory


@pytest.mark.parametrize("path", ["nowhere", ".", "a-s0-12345678"])
def test_what_is_no_run_is_refused(path: str, home: Path) -> None:
    with pytest.raises(toonlab.ToonlabError, match=r"not the directory of a run|can't be read"):
        toonlab.open_run(path)


def test_an_unfinished_run_has_its_last_evaluation(unfinished: toonlab.TrainedRun) -> None:
    evaluations = [line["evaluation"] for line in lines(unfinished) if "evaluation" in line]
    assert unfinished.outcome is None
    assert unfinished.metrics == evaluations[-1]
    assert unfinished.photo == {}
    assert "not at its end" in repr(unfinished)
    assert "not at its end" in Page(unfinished._repr_html_()).texts[1]
    assert unfinished.cartoonize(np.zeros((8, 8, 3), np.uint8)).size == (8, 8)


def test_a_run_that_has_only_begun_has_nothing_yet(unfinished: toonlab.TrainedRun) -> None:
    (unfinished.directory / "metrics.jsonl").unlink()
    shutil.rmtree(unfinished.directory / "checkpoints")
    shutil.rmtree(unfinished.directory / "samples")
    assert (unfinished.metrics, unfinished.samples, unfinished.weights) == ({}, [], None)
    assert unfinished.history.empty
    assert "table" not in Page(unfinished._repr_html_()).tags
    with pytest.raises(toonlab.ToonlabError, match="no checkpoint in it"):
        unfinished.cartoonize(np.zeros((8, 8, 3), np.uint8))


def test_as_html_it_is_a_table_a_picture_and_a_curve_and_nothing_that_runs(run: toonlab.TrainedRun) -> None:
    text = run._repr_html_()
    page = Page(text)
    assert page.open == []
    assert (page.tags.count("table"), page.tags.count("img"), page.tags.count("svg")) == (1, 1, 1)
    assert not {"script", "link", "style"} & set(page.tags)
    assert run.name in page.texts  # <b>odd, as text
    assert "the unmodified photo" in page.texts
    assert "var(--" not in text  # a notebook has none of the report's colours
    (grid,) = re.findall(r"data:image/png;base64,([^\"]+)", text)
    assert base64.b64decode(grid) == run.samples[-1].read_bytes()


def test_outside_a_notebook_show_prints_the_table_and_the_paths(
    run: toonlab.TrainedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.show()
    out = capsys.readouterr().out
    assert re.search(r"the unmodified photo .*–.*\d", out)
    for path in (run.samples[-1], run.directory, run.weights):
        assert str(path) in out
    assert len(repr(run)) < 300
    assert run.name in repr(run)


def test_in_a_notebook_show_displays_table_grid_and_curve(
    run: toonlab.TrainedRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(module, "in_notebook", lambda: True)  # docs/notebook.ipynb has a real one
    monkeypatch.setattr("IPython.display.display", shown.append)
    run.show()
    assert [type(one).__name__ for one in shown] == ["HTML", "Image", "SVG"]
    assert shown[1].data == run.samples[-1].read_bytes()
    assert capsys.readouterr().out == ""


def test_what_learns_nothing_is_a_run_too(data: Mapping[str, Any], tmp_path: Path) -> None:
    fixed = {key: data[key] for key in ("data", "train", "evaluate")}
    run = toonlab.train({**fixed, "generator": {"network": "identity"}}, name="same", runs=tmp_path, device="cpu")
    assert run.weights is None
    assert run.metrics == run.photo
    picture = Image.effect_noise((19, 23), 60).convert("RGB")
    assert run.cartoonize(picture).tobytes() == picture.tobytes()
    assert "<svg" not in run._repr_html_()


def test_a_clip_becomes_one_of_the_same_times_and_its_progress_is_told(run: toonlab.TrainedRun, tmp_path: Path) -> None:
    clip, told = encode(tmp_path / "clip.mkv", range(0, 12 * 512, 512)), list[tuple[str, float | None, float]]()

    @contextmanager
    def progress(about: str, seconds: float | None) -> Iterator[Callable[[float], None]]:
        yield lambda done: told.append((about, seconds, done))

    made = run.cartoonize_clip(clip, tmp_path / "cartoon.mp4", max_side=48, device="cpu", progress=progress)
    times, pictures = shown(made)
    assert times == shown(clip)[0]
    assert pictures[0].shape == (32, 48, 3)
    assert told[0] == (str(clip), pytest.approx(12 / 25, abs=0.1), 0)
    for out, says in (("cartoon.gif", r"out: got cartoon\.gif, expected"), ("clip.mkv", "is the clip itself")):
        with pytest.raises(toonlab.ToonlabError, match=says):
            run.cartoonize_clip(clip, tmp_path / out)
    with pytest.raises(toonlab.ToonlabError, match=r"^none\.mp4: "):
        run.cartoonize_clip(tmp_path / "none.mp4", tmp_path / "cartoon.mp4")
