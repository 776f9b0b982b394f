"""Which runs are the methods of an app."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from toonlab import ToonlabError
from toonlab_app.methods import latest_study, load_methods


def test_a_study_gives_its_methods_and_says_what_is_left_out(runs: Path) -> None:
    methods, left_out = load_methods(["study"], runs, "cpu")
    assert [method.label for method in methods] == ["classic", "patches"]
    assert left_out == ["untouched: it gives the photo back", "gone: no run of it has finished"]
    assert methods[0].samplers == {}
    assert {name: part["patch_size"] for name, part in methods[1].samplers.items()} == {"patch": 16}


def test_runs_stand_next_to_studies_and_equal_labels_are_told_apart(runs: Path) -> None:
    (run,) = (runs / "study").glob("patches-*")
    methods, _ = load_methods(["study", str(run), str(run)], runs, "cpu")
    assert methods[1].label == "patches"
    assert methods[2].label == methods[3].label == f"{run.name} (study/{run.name})"


def test_without_a_name_it_is_the_study_that_changed_last(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "study", tmp_path / "old")
    shutil.copytree(runs / "study", tmp_path / "new")
    os.utime(tmp_path / "old" / "results.json", (1, 1))
    assert latest_study(tmp_path) == "new"
    with pytest.raises(ToonlabError, match="no study in it; run `make demo`"):
        latest_study(tmp_path / "old")


def test_what_has_no_weights_is_left_out_and_nothing_at_all_is_an_error(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "study", tmp_path / "study")
    for folder in (tmp_path / "study").glob("patches-*"):
        shutil.rmtree(folder / "checkpoints")
    methods, left_out = load_methods(["study"], tmp_path, "cpu")
    assert [method.label for method in methods] == ["classic"]
    assert any(line.startswith("patches: ") for line in left_out)
    with pytest.raises(ToonlabError, match="no method can be shown: patches-s0"):
        load_methods([str(next((tmp_path / "study").glob("patches-*")))], tmp_path, "cpu")
