"""`toonlab report`: one page, three tables beside it, and one line for each mistake."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from toonlab.errors import ToonlabError
from toonlab.report import fingerprint, is_current, read_study, write_report
from toonlab.report.findings import Findings
from toonlab.studies.results.results import CellResult, SearchResult, StudyResults, Variant
from toonlab.types import Outcome

search_result = TypeAdapter(SearchResult).validate_python


def test_the_command_writes_the_page_and_its_tables(
    study: StudyResults, toonlab: Callable[..., Any], tmp_path: Path
) -> None:
    shutil.copytree(study.directory, tmp_path / "elsewhere" / "study")
    command = toonlab("report", "experiments/study.yaml", "--runs", "elsewhere", "--device", "cpu")
    assert command.wait() == 0, command.stderr
    folder = tmp_path / "elsewhere" / "study"
    names = ["report.html", "table.csv", "table.md", "table.tex"]
    assert [line.split()[-1] for line in command.stdout.splitlines()] == [f"elsewhere/study/{name}" for name in names]
    assert len(list(csv.reader((folder / "table.csv").read_text().splitlines()))) == 1 + len(study.cells)
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count('class="picture"') == 2 * 5


def test_the_page_carries_everything_within_itself(page: Path) -> None:
    text = page.read_text()
    sources = re.findall(r'(?:src|href|xlink:href)="([^"]*)"', text)
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "url(http" not in text
    assert "@import" not in text
    assert "what &lt;changes&gt; nothing" in text
    assert "&lt;generator/total&gt; is nan" in text


def imported(results: StudyResults) -> set[str]:
    """The packages that a process has imported after it wrote a report."""
    code = "import sys; from toonlab.report import read_study, write_report; from pathlib import Path\n"
    code += "write_report(read_study(sys.argv[1], Path(sys.argv[2]))); print(*sys.modules)"
    command = [sys.executable, "-c", code, results.directory.name, str(results.directory.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_a_report_imports_no_torch_and_statistics_only_where_there_are_tests(
    study: StudyResults, made: Callable[..., Findings]
) -> None:
    assert not imported(study) & {"torch", "mlflow", "optuna"}
    few = made({"a": [0.5, 0.6], "b": [0.4, 0.5]}, baseline="a").results
    few.write()
    assert not imported(few) & {"torch", "scipy", "statsmodels", "pandas"}


@pytest.mark.parametrize("name", ["study", "any/where/study.yaml", "study.yml"])
def test_a_study_is_found_by_its_name_or_its_file(study: StudyResults, name: str) -> None:
    assert read_study(name, study.directory.parent).cells == study.cells


def test_mistakes_are_one_line_and_exit_code_2(
    study: StudyResults, toonlab: Callable[..., Any], made: Callable[..., Findings], tmp_path: Path
) -> None:
    root = study.directory.parent
    command = toonlab("report", "studdy", "--runs", root)
    assert command.wait() == 2
    assert command.stderr == f"error: {root}/studdy: no results of such a study; did you mean 'study'?\n"
    command = toonlab("report", "demo")
    assert command.wait() == 2
    assert command.stderr == "error: runs/demo: no results of such a study; run `toonlab compare demo` first\n"
    results = made({"a": [0.5]}).results
    replace(results, cells=[replace(results.cells[0], status="failed", reason="out of memory", outcome=None)]).write()
    command = toonlab("report", "made", "--runs", tmp_path)
    assert command.wait() == 2
    assert command.stderr == (
        f"error: {tmp_path}/made: nothing has finished yet, so there is nothing to report; "
        "1 of 1 runs failed, the first: out of memory\n"
    )


def test_a_page_that_can_not_be_written(study: StudyResults, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToonlabError, match=r"file/report\.html: can't be written: .*; choose another file with --out"):
        write_report(study, tmp_path / "file" / "report.html")


@pytest.mark.parametrize(
    ("values", "others"),
    [
        ({"a": [0.5]}, {}),  # one value, no baseline
        ({"a": [0.5, 0.6], "b": {}}, {"baseline": "b", "failed": 2}),  # the baseline has nothing
        ({"a": [0.5, float("nan")], "b": [float("inf"), 0.4]}, {"baseline": "a"}),
        ({"a": [0.5, 0.5, 0.5], "b": [0.5, 0.5, 0.5]}, {"baseline": "a"}),  # nothing varies
    ],
)
def test_a_study_that_lacks_this_or_that_still_has_a_page(
    made: Callable[..., Findings], tmp_path: Path, values: Any, others: dict[str, Any]
) -> None:
    page = write_report(made(values, **others).results, tmp_path / "out" / "page.html").read_text()
    assert 'id="table"' in page
    assert 'id="reproducibility"' in page
    assert ('id="failures"' in page) == ("failed" in others)
    assert "No pictures of" in page
    assert "undefined" not in page.lower().replace("undefined)", "")


def test_a_search_without_a_confirmation_has_a_page(tmp_path: Path) -> None:
    trials = [{"number": 0, "params": {"k": 1}, "state": "complete", "value": 0.5, "intermediate": {}}]
    space, objective = {"k": {"low": 1, "high": 4}}, {"metric": "f1", "direction": "maximize"}
    record = {"recipe": "r", "objective": objective, "space": space, "seeds_per_trial": 1}
    record |= {"default": {"k": 1}, "trials": trials, "importances": {}}
    results = StudyResults("s", tmp_path / "s", [], "tune", metrics=["f1"], search=search_result(record))
    page = write_report(results).read_text()
    assert 'id="search"' in page
    assert 'id="table"' not in page


def test_a_search_for_a_front_has_a_page(fronted: StudyResults) -> None:
    page = write_report(fronted).read_text()
    assert ">g against f1</h3>" in page
    assert "The winner, trial" not in page


# -- a page whose inputs have not changed stays; any change of what it shows makes a new one


@pytest.fixture
def results(tmp_path: Path) -> StudyResults:
    outcome = Outcome("finished", 3, 1.0, metrics={"f1": 0.5}).to_json()
    cells = [CellResult(Variant(name), 0, f"{name}-s0-0", "finished", outcome=outcome) for name in "ab"]
    for cell in cells:
        (tmp_path / "study" / cell.run).mkdir(parents=True)
        (tmp_path / "study" / cell.run / "metrics.jsonl").write_text("")
    return StudyResults("study", tmp_path / "study", cells, metrics=["f1"])


def with_file(found: StudyResults, path: str) -> StudyResults:
    """The same results, after a change of a file in the study's directory."""
    (found.directory / path).parent.mkdir(exist_ok=True)
    (found.directory / path).write_text("{}\n")
    return found


CHANGES: dict[str, Callable[[StudyResults], StudyResults]] = {
    "value": lambda found: replace(found, cells=[replace(found.cells[0], seed=7), found.cells[1]]),
    "about": lambda found: replace(found, about="another question"),
    "metrics": lambda found: with_file(found, "a-s0-0/metrics.jsonl"),
    "pictures": lambda found: with_file(found, "b-s0-0/pictures/index.json"),
    "log": lambda found: with_file(found, "logs/a-s0-0.log"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_a_page_shows_is_part_of_its_inputs(results: StudyResults, change: str) -> None:
    before = fingerprint(results)
    assert fingerprint(results) == before
    assert is_current(write_report(results), before)
    assert fingerprint(CHANGES[change](results)) != before


def test_results_that_are_found_again_are_the_same_inputs(results: StudyResults) -> None:
    again = replace(results, cells=[replace(cell, reused=True) for cell in results.cells])
    assert fingerprint(again) == fingerprint(results)


def test_a_page_names_its_inputs_in_its_head(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert not is_current(page, "ab")
    page.write_text('<head><meta name="toonlab-inputs" content="ab"></head>')
    assert is_current(page, "ab")
    assert not is_current(page, "cd")
    page.write_bytes(b"\xff" * 50)
    assert not is_current(page, "ab")


def test_a_report_that_was_interrupted_is_written_again_with_all_its_tables(results: StudyResults) -> None:
    (results.directory / "table.tex").mkdir()
    (results.directory / ".table.csv.7").touch()  # of a process that was killed while it wrote
    with pytest.raises(ToonlabError, match="can't be written: Is a directory"):
        write_report(results)
    assert not (results.directory / "report.html").exists()
    (results.directory / "table.tex").rmdir()
    (results.directory / "table.csv").write_text("older")
    write_report(results)
    assert (results.directory / "table.csv").read_text() != "older"
    assert not list(results.directory.glob(".*"))


def test_a_current_page_is_not_written_again_and_another_is(results: StudyResults) -> None:
    page = write_report(results)
    os.utime(page, ns=(1, 1))
    assert write_report(results) == page
    assert page.stat().st_mtime_ns == 1
    page.with_name("table.csv").unlink()
    write_report(results)
    assert page.stat().st_mtime_ns != 1
    os.utime(page, ns=(1, 1))
    write_report(replace(results, about="another question"))
    assert page.stat().st_mtime_ns != 1
