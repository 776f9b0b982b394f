"""Recipes as parameters, `metrics.jsonl` and the load of the machine as points."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab import PartError, Run
from toonlab.runs.directory import MetricsFile
from toonlab_mlflow import MLflow
from toonlab_mlflow.values import MetricsReader, Point, flatten, legal_name, points


def test_names_say_where_a_value_is_from_so_that_charts_stand_in_groups(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [
        {"step": 1, "time": 1000.5, "scalars": {"generator/total": 2.5, "critic/patch/real": 0.25}},
        {"step": 1, "time": 1001.0, "evaluation": {"psnr (dB)": 17.5}},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(MetricsReader(path).new()) == [
        Point("train/generator/total", 2.5, 1_000_500, 1),
        Point("train/critic/patch/real", 0.25, 1_000_500, 1),
        Point("evaluation/psnr _dB_", 17.5, 1_001_000, 1),
    ]


def test_there_need_be_no_file_yet(tmp_path: Path) -> None:
    reader = MetricsReader(tmp_path / "metrics.jsonl")
    assert list(reader.new()) == []
    log = MetricsFile(tmp_path / "metrics.jsonl", keep=0)
    log.write(1, "scalars", {"loss": 0.5})
    log.close()
    assert [point.value for point in reader.new()] == [0.5]


def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "ti\n{"step": 2, "time": 1.0, "scalars": {"loss": 1.0}}\n')
    assert [point.step for point in MetricsReader(path).new()] == [2]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 8))
def test_every_point_is_read_once_however_the_writing_is_torn(cuts: list[int], count: int) -> None:
    text = "".join(
        json.dumps({"step": n, "time": float(n), "scalars": {"ä": n / 3}}, ensure_ascii=False) + "\n"
        for n in range(count)
    ).encode()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        reader, read, start = MetricsReader(path), [], 0
        for cut in [*cuts, len(text)]:
            with path.open("ab") as file:
                file.write(text[start : start + cut])
            start += cut
            read += list(reader.new())
    assert [(point.step, point.value) for point in read] == [(n, n / 3) for n in range(count)]


def test_points_of_one_step() -> None:
    assert list(points({"f1": 0.5}, 3, 1.0, "photo/")) == [Point("photo/f1", 0.5, 1000, 3)]


def test_every_character_that_mlflow_refuses_is_replaced() -> None:
    assert legal_name("critic: 3 (é)/a.b-c_d") == "critic_ 3 _é_/a.b-c_d"


KEYS = st.text("abc_", min_size=1, max_size=5)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(st.integers(), max_size=3)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=12)


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_the_recipe_can_be_rebuilt_from_its_parameters(recipe: dict[str, Any]) -> None:
    rebuilt: dict[str, Any] = {}
    for path, text in flatten(recipe).items():
        *parents, last = path.split(".")
        place = rebuilt
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = json.loads(text)
    assert rebuilt == recipe


def test_text_stays_as_it_is() -> None:
    recipe = {"data": {"photos": Path("a/b"), "about": "größer"}, "critics": {}, "lr": 2e-5}
    assert flatten(recipe) == {"data.photos": '"a/b"', "data.about": "größer", "critics": "{}", "lr": "2e-05"}


def test_a_long_value_is_cut_to_what_mlflow_takes() -> None:
    text = flatten({"about": "x" * 7000})["about"]
    assert len(text) == 6000
    assert text.endswith("x…")
    assert flatten({"about": "x" * 6000})["about"] == "x" * 6000


def test_observers_are_left_out() -> None:
    assert flatten({"observers": {"mlflow": {}}, "observers_of": 1}) == {"observers_of": "1"}


def test_what_is_missing_is_named_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)  # which find_spec takes for not installed
    with pytest.raises(PartError, match="mlflow: system_metrics needs psutil: pip install psutil"):
        MLflow(system_metrics=True)


def test_the_load_is_logged_at_the_runs_steps_and_by_no_thread(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, MLflow(system_metrics=True, patience=240))
    for step in (3, 7):
        alive.evaluate(step, psnr=1.0)
    assert "SystemMetricsMonitor" not in {thread.name for thread in threading.enumerate()}
    alive.end(7)
    load = store(uri).history("system/cpu_utilization_percentage")
    assert [step for step, _ in load] == [3, 7]
    assert all(0 <= value <= 100 for _, value in load)
    assert "system/system_memory_usage_percentage" in store(uri).the_run().data.metrics
