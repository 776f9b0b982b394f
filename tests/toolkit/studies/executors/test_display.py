"""A study on the screen: everything on a wide terminal and on a narrow one, a line for each end in a pipe."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from toonlab.studies.executors.display import (
    Display,
    LineDisplay,
    NotebookDisplay,
    TerminalDisplay,
    leader,
    picture,
)
from toonlab.studies.executors.process import RunProgress
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import CellResult, CellStatus, StudyResults, Variant

LONG = Variant("ctss", {"critics.patch.sampler.patch_size": 24, "critics.patch.sampler.k": 2})


def cell(variant: Variant, seed: int, status: CellStatus, value: float | None = None) -> CellResult:
    outcome = {"metrics": {"lines": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 9.0, "step": 4}
    reason = "diverged at step 3" if status == "failed" else None
    return CellResult(
        variant, seed, f"{variant.label}-s{seed}", status, reason, outcome=None if value is None else outcome
    )


@pytest.fixture
def progress(tmp_path: Path) -> StudyProgress:
    plain = Variant("plain")
    cells = [
        cell(plain, 0, "finished", 0.5),
        cell(LONG, 0, "finished", 0.625),
        cell(plain, 1, "finished", 0.6),
        cell(LONG, 1, "failed"),
        cell(plain, 2, "waiting"),
        cell(LONG, 2, "waiting"),
    ]
    progress = StudyProgress(
        StudyResults("study", tmp_path, cells, metrics=["lines"], higher={"lines": True}), write=False
    )
    progress.begin(cells[4])
    progress.update(cells[4].run, RunProgress(20, 400))
    progress.begin(cells[5])
    return progress


def shown(progress: StudyProgress, width: int) -> list[str]:
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(picture(progress))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_wide_terminal_shows_every_cell_and_what_leads(progress: StudyProgress) -> None:
    plain, ctss, running, starting, summary = shown(progress, 120)
    assert plain.split() == ["plain", "✓✓▸", "lines", "0.55"]
    assert ctss.split("  ") == ["ctss (patch_size 24, k 2)", "✓✗▸", "lines 0.625"]
    assert running.startswith("plain, seed 2")
    assert "20/400" in running
    assert "steps/s" not in running  # one report says nothing of the pace
    assert starting.split("  ") == ["ctss (patch_size 24, k 2), seed 2", "starting"]
    assert summary == "4/6 cells · best so far: ctss (patch_size 24, k 2), lines 0.625"


def test_a_narrow_terminal_shows_the_same_within_its_width(progress: StudyProgress) -> None:
    lines = shown(progress, 40)
    assert all(len(line) <= 40 for line in lines)
    text = " ".join(" ".join(lines).split())
    for part in ("✓✓▸", "✓✗▸", "20/400", "starting", "4/6 cells", "lines 0.625"):
        assert part in text, text


def test_rate_and_remaining_time_appear_when_they_can_be_told(progress: StudyProgress) -> None:
    running = progress.running[0]
    progress._running[running.cell.run] = replace(running, last=RunProgress(120, 400), last_at=running.first_at + 50)
    assert "2 steps/s" in shown(progress, 120)[2]
    assert "eta 2:20" in shown(progress, 120)[2]


def test_a_search_has_a_summary_of_its_own(progress: StudyProgress) -> None:
    progress.summary = "3/40 trials · best so far: [ctss] (k 1)"
    assert shown(progress, 120)[-1] == progress.summary  # brackets are no markup


def test_less_is_better_where_the_metric_says_so(progress: StudyProgress) -> None:
    assert leader(progress.results) == ("ctss (patch_size 24, k 2)", 0.625)
    assert leader(replace(progress.results, higher={"lines": False})) == ("plain", pytest.approx(0.55))
    assert leader(replace(progress.results, metrics=["kid"])) is None
    assert leader(replace(progress.results, metrics=[])) is None
    assert leader(progress.results.with_cells([])) is None


def test_in_a_pipe_there_is_one_line_for_each_end_however_long(progress: StudyProgress) -> None:
    console = Console(file=io.StringIO(), width=20)
    with LineDisplay(console) as view:
        view.draw(progress)
        progress.end(cell(LONG, 2, "finished", 0.75))
        progress.end(replace(progress.results.cells[4], status="failed", reason="[red]out of memory[/red]"))
        view.draw(progress)
        view.draw(progress)
    assert console.file.getvalue().splitlines() == [
        "[5/6] ctss (patch_size 24, k 2), seed 2: finished in 0:09, lines 0.75",
        "[6/6] plain, seed 2: failed: [red]out of memory[/red]",
    ]


def test_on_a_terminal_failures_stay_and_the_picture_goes(progress: StudyProgress) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, record=True)
    with TerminalDisplay(console) as view:
        progress.end(cell(LONG, 2, "finished", 0.75))
        progress.end(replace(progress.results.cells[4], status="failed", reason="out of memory"))
        view.draw(progress)
    text = console.export_text()
    assert "[6/6] plain, seed 2: failed: out of memory" in text
    assert "[5/6]" not in text  # the picture shows it
    assert "6/6 cells" in text


def test_in_a_notebook_the_picture_is_replaced_and_failures_are_printed(
    progress: StudyProgress, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tests of docs/notebook.ipynb have a real kernel."""
    shown: list[str] = []
    handle = SimpleNamespace(update=lambda data, raw: shown.append(data["text/plain"]))
    monkeypatch.setattr("IPython.display.display", lambda data, **_: (handle.update(data, raw=True), handle)[1])
    with NotebookDisplay() as view:
        view.draw(progress)
        view.draw(progress)
        assert len(shown) == 1  # nothing is sent where nothing has changed
        progress.end(cell(LONG, 2, "finished", 0.75))
        progress.end(replace(progress.results.cells[4], status="failed", reason="out of memory"))
        view.draw(progress)
    assert len(shown) == 2
    assert "6/6 cells" in shown[-1]
    assert "✓✗✓" in shown[-1]
    assert "\x1b" not in shown[-1]
    assert capsys.readouterr().out == "[6/6] plain, seed 2: failed: out of memory\n"


def test_programs_see_nothing(progress: StudyProgress, capsys: pytest.CaptureFixture[str]) -> None:
    progress.end(replace(progress.results.cells[4], status="failed", reason="out of memory"))
    with Display() as view:
        view.draw(progress)
    assert progress.take_messages() == []
    assert capsys.readouterr() == ("", "")
