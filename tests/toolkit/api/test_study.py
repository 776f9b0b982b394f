"""`toonlab.compare` and `toonlab.tune` do what the commands do, from a script as from a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import toonlab
from toonlab.api.study import source_of
from toonlab.report import read_study

SCRIPT = """\
from pathlib import Path

import toonlab

with Path("began").open("a") as file:
    file.write("once\\n")
results = toonlab.compare({study}, name="mine", seeds=3, device="cpu", train={{"steps": 3}})
results.show()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, data: Mapping[str, Any], cache: None) -> Path:
    """Where a script without a main guard has compared two recipes over three seeds."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "one.yaml").write_text(yaml.safe_dump({**data, "observers": {"progress": {}}}))
    (folder / "other.yaml").write_text("extends: one\ngenerator: {losses: {color: {}}}\n")
    study = {"recipes": ["one.yaml", "other.yaml"], "metrics": {"primary": "lines", "also": ["psnr"]}}
    (folder / "script.py").write_text(SCRIPT.format(study=study))
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder / "out").write_text(done.stdout)
    (folder / "err").write_text(done.stderr)
    return folder


@pytest.fixture
def results(home: Path, monkeypatch: pytest.MonkeyPatch) -> toonlab.Results:
    monkeypatch.chdir(home)
    return toonlab.Results.read("runs/mine")


def test_a_script_runs_once_and_prints_what_the_command_prints(home: Path) -> None:
    assert (home / "began").read_text() == "once\n"
    out, err = (home / "out").read_text(), (home / "err").read_text()
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        f"[{number}/6] {name}, seed {seed}"
        for number, (seed, name) in enumerate(((s, n) for s in range(3) for n in ("one", "other")), 1)
    ]
    assert "the unmodified photo" in out
    assert "runs/mine/report.html" in out


def test_the_frame_has_every_value_of_the_results_file(results: toonlab.Results) -> None:
    cells = json.loads(Path("runs/mine/results.json").read_text())["cells"]
    frame = results.frame
    assert len(frame) == len(cells) == 6
    assert list(frame.columns[:6]) == ["recipe", "seed", "status", "lines", "psnr", "seconds"]
    for (_, row), cell in zip(frame.iterrows(), cells, strict=True):
        told = (cell["variant"]["recipe"], cell["seed"], cell["status"], f"runs/mine/{cell['run']}")
        assert (row["recipe"], row["seed"], row["status"], row["run"]) == told
        values = {**cell["outcome"]["metrics"], **cell["outcome"]["costs"], "seconds": cell["outcome"]["seconds"]}
        assert {name: row[name] for name in values} == values
        assert toonlab.open_run(row["run"]).metrics == cell["outcome"]["metrics"]


def test_the_summary_is_that_of_the_statistics(results: toonlab.Results) -> None:
    summary = results.summary
    assert results.baseline == "one"
    for metric in ("lines", "psnr"):
        row = summary.loc[metric, "other"]
        scores = [cell.outcome["scores"][metric] for cell in results.of("other")]
        others = [cell.outcome["scores"][metric] for cell in results.of("one")]
        assert row["difference"] == pytest.approx(np.median(np.subtract(scores, others).mean(axis=1)))
        assert row[["low", "high"]].isna().all()  # of three seeds
        assert row["verdict"] == ("undecided" if metric == "lines" else "")
        values = results.frame.groupby("recipe")[metric]
        assert row["mean"] == pytest.approx(values.mean()["other"])
        assert row["sd"] == pytest.approx(values.std()["other"])
        assert summary.loc[metric, "one"]["verdict"] == ("baseline" if metric == "lines" else "")
        assert summary.loc[metric, "the unmodified photo"]["mean"] == results.photo[metric]
    assert summary["seeds"].tolist() == [0, 3, 3, 0, 3, 3, 3, 3]  # seconds have no photo


def test_the_report_is_there_and_the_html_leads_to_it(results: toonlab.Results) -> None:
    assert results.report == Path("runs/mine/report.html")
    text = results._repr_html_()
    assert 'href="runs/mine/report.html"' in text
    assert text.count("<table>") == text.count("</table>") == 1
    assert "* psnr: " in text  # the caveat
    assert "<script" not in text
    assert repr(results) == "<Results of mine: 6 of 6 runs finished, in runs/mine>"


def test_the_commands_go_on_with_it(results: toonlab.Results) -> None:
    assert results.command == "toonlab.compare({…}, name='mine', seeds=3, train={'steps': 3})"
    assert read_study("runs/mine/experiment.yaml", Path("runs")).cells == results.cells
    main = sys.modules["__main__"]
    before = main.__spec__, getattr(main, "__file__", None)  # either may be none, as in a test's worker
    called = toonlab.compare("runs/mine/experiment.yaml", seeds=3, device="cpu", **{"train.steps": 3})
    assert all(cell.reused for cell in called.cells)
    assert [cell.run for cell in called.cells] == [cell.run for cell in results.cells]
    assert sys.modules["__main__"] is main
    assert (main.__spec__, getattr(main, "__file__", None)) == before


def test_cells_that_fail_are_warned_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    study, lr = {"recipes": ["one.yaml"]}, {"generator.optimizer.lr": 1e30, "train.steps": 4}
    with pytest.warns(RuntimeWarning, match="1 of 1 runs failed, the first: one, seed 0: diverged"):
        results = toonlab.compare(study, name="wild", seeds=1, device="cpu", **lr)
    assert results.report is None
    assert results.frame["status"].tolist() == ["failed"]
    assert results.summary.loc[:, "mean"].isna().all()
    assert "failed: one, seed 0: diverged" in results._repr_html_()


def test_a_search_is_tuned_and_confirmed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    search = {
        "recipe": "one.yaml",
        "search": {"generator.losses.total_variation.weight": [0.5, 2.0]},
        "objective": {"metric": "lines", "direction": "maximize"},
        "seeds_per_trial": 1,
        "confirm": {"top": 1, "seeds": 1},
    }
    results = toonlab.tune(search, name="hunt", trials=2, device="cpu", train={"steps": 1})
    assert results.kind == "tune"
    assert len(results.search.trials) == 2
    assert results.report == Path("runs/hunt/report.html")
    assert set(results.frame["status"]) == {"finished"}


@pytest.mark.parametrize(
    ("experiment", "options", "says"),
    [
        ("demoo", {}, "no such experiment; did you mean 'demo'"),
        ("demo", {"name": "mine"}, "an experiment as data has one"),
        ({"recipes": ["plain"]}, {}, "name: got None"),
        ({"recipes": ["plain"]}, {"name": "a/b"}, "name: got 'a/b'"),
        ({"recipes": ["plain"], "seedz": 3}, {"name": "own"}, "seedz: unknown"),
        ({"recipes": ["plain"], "at": "tiny"}, {"name": "own", "train": {"stepz": 3}}, "train.stepz: no recipe has"),
        ("demo", {"seeds": 0}, "seeds: got 0"),
        ("demo", {"jobs": 0}, "jobs: got 0"),
    ],
)
def test_mistakes_are_one_clear_error(
    experiment: Any, options: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(toonlab.ToonlabError, match=says):
        toonlab.compare(experiment, **options)


def test_an_experiment_as_data_becomes_a_file_of_its_study(tmp_path: Path) -> None:
    study = {"recipes": ("ctss", "plain"), "factors": {"resolution": {64: {"train.size": 64}}}}
    path = Path(source_of(study, "own", tmp_path))
    assert path == tmp_path / "own" / "experiment.yaml"
    assert yaml.safe_load(path.read_text()) == {**study, "recipes": ["ctss", "plain"]}
