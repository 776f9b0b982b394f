"""A study on the screen: everything on a wide terminal and on a narrow one, a line for each end in a pipe."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from toonlab.studies.executors.display import NotebookDisplay, LineDisplay, TerminalDisplay, SilentDisplay, leader, picture
from toonlab.studies.executors.process import Progress
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import CellResult, Results, CellStatus, Variant

LONG = Variant("ctss", {"critics.patch.sampler.patch_size": 24, "critics.patch.sampler.k": 2})


def cell(variant: Variant, seed: int, status: CellStatus, value: float | None = None) -> CellResult:
    outcome = {"metrics": {"outline_f1": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 9.0, "step": 4}
    reason = "diverged at step 3" if status == "failed" else None
    return CellResult(variant, seed, f"{variant.label}-s{seed}", status, reason, outcome=None if value is None else outcome)


@pytest.fixture
def board(tmp_path: Path) -> StudyProgress:
    plain = Variant("plain")
    cells = [
        cell(plain, 0, "finished", 0.5),
        cell(LONG, 0, "finished", 0.625),
        cell(plain, 1, "finished", 0.6),
        cell(LONG, 1, "failed"),
        cell(plain, 2, "waiting"),
        cell(LONG, 2, "waiting"),
    ]
    board = StudyProgress(Results("study", tmp_path, cells, metrics=["outline_f1"], higher={"outline_f1": True}), keep=False)
    board.begin(cells[4])
    board.progress(cells[4], Progress(20, 400))
    board.begin(cells[5])
    return board


def shown(board: StudyProgress, width: int) -> list[str]:
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(picture(board))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_wide_terminal_shows_every_cell_and_what_leads(board: StudyProgress) -> None:
    plain, ctss, running, starting, summary = shown(board, 120)
    assert plain.split() == ["plain", "✓✓▸", "outline_f1", "0.55"]
    assert ctss.split("  ") == ["ctss (patch_size 24, k 2)", "✓✗▸", "outline_f1 0.625"]
    assert running.startswith("plain, seed 2")
    assert "20/400" in running
    assert "steps/s" not in running  # one report says nothing of the pace
    assert starting.split("  ") == ["ctss (patch_size 24, k 2), seed 2", "starting"]
    assert summary == "4/6 cells · best so far: ctss (patch_size 24, k 2), outline_f1 0.625"


def test_a_narrow_terminal_shows_the_same_within_its_width(board: StudyProgress) -> None:
    lines = shown(board, 40)
    assert all(len(line) <= 40 for line in lines)
    text = " ".join(" ".join(lines).split())
    for part in ("✓✓▸", "✓✗▸", "20/400", "starting", "4/6 cells", "outline_f1 0.625"):
        assert part in text, text


def test_rate_and_remaining_time_appear_when_they_can_be_told(board: StudyProgress) -> None:
    running = board.running[0]
    board._running[running.cell.run] = replace(running, last=Progress(120, 400), last_at=running.first_at + 50)
    assert "2 steps/s" in shown(board, 120)[2]
    assert "eta 2:20" in shown(board, 120)[2]


def test_a_search_has_a_summary_of_its_own(board: StudyProgress) -> None:
    board.summary = "3/40 trials · best so far: [ctss] (k 1)"
    assert shown(board, 120)[-1] == board.summary  # brackets are no markup


def test_less_is_better_where_the_metric_says_so(board: StudyProgress) -> None:
    assert leader(board.results) == ("ctss (patch_size 24, k 2)", 0.625)
    assert leader(replace(board.results, higher={"outline_f1": False})) == ("plain", pytest.approx(0.55))
    assert leader(replace(board.results, metrics=["kid"])) is None
    assert leader(replace(board.results, metrics=[])) is None
    assert leader(board.results.with_cells([])) is None


def test_in_a_pipe_there_is_one_line_for_each_end_however_long(board: StudyProgress) -> None:
    console = Console(file=io.StringIO(), width=20)
    with LineDisplay(console) as view:
        view.draw(board)
        board.end(cell(LONG, 2, "finished", 0.75))
        board.fail(board.results.cells[4], "[red]out of memory[/red]")
        view.draw(board)
        view.draw(board)
    assert console.file.getvalue().splitlines() == [
        "[5/6] ctss (patch_size 24, k 2), seed 2: finished in 0:09, outline_f1 0.75",
        "[6/6] plain, seed 2: failed: [red]out of memory[/red]",
    ]


def test_on_a_terminal_failures_stay_and_the_picture_goes(board: StudyProgress) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, record=True)
    with TerminalDisplay(console) as view:
        board.end(cell(LONG, 2, "finished", 0.75))
        board.fail(board.results.cells[4], "out of memory")
        view.draw(board)
    text = console.export_text()
    assert "[6/6] plain, seed 2: failed: out of memory" in text
    assert "[5/6]" not in text  # the picture shows it
    assert "6/6 cells" in text


def test_in_a_notebook_the_picture_is_replaced_and_failures_are_printed(
    board: StudyProgress, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tests of docs/notebook.ipynb have a real kernel."""
    shown: list[str] = []
    handle = SimpleNamespace(update=lambda data, raw: shown.append(data["text/plain"]))
    monkeypatch.setattr("IPython.display.display", lambda data, **_: (handle.update(data, raw=True), handle)[1])
    with NotebookDisplay() as view:
        view.draw(board)
        view.draw(board)
        assert len(shown) == 1  # nothing is sent where nothing has changed
        board.end(cell(LONG, 2, "finished", 0.75))
        board.fail(board.results.cells[4], "out of memory")
        view.draw(board)
    assert len(shown) == 2
    assert "6/6 cells" in shown[-1]
    assert "✓✗✓" in shown[-1]
    assert "\x1b" not in shown[-1]
    assert capsys.readouterr().out == "[6/6] plain, seed 2: failed: out of memory\n"


def test_programs_see_nothing(board: StudyProgress, capsys: pytest.CaptureFixture[str]) -> None:
    board.fail(board.results.cells[4], "out of memory")
    with SilentDisplay() as view:
        view.draw(board)
    assert board.take_news() == []
    assert capsys.readouterr() == ("", "")
