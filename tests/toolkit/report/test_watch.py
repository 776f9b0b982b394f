"""The page that follows a running study: what it tells, in a real browser, and whom it answers."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from toonlab.errors import ToonlabError
from toonlab.report.watch import QUIET, content, live, server
from toonlab.studies.results.results import StudyResults


@pytest.fixture
def running(study: StudyResults, tmp_path: Path) -> StudyResults:
    """The study while its first run is at step 2 of 3, and its second has ended without the study's knowledge."""
    shutil.copytree(study.directory, tmp_path / "study")
    before = StudyResults.read(tmp_path / "study")
    first, second, *others = before.cells
    directory = before.directory / first.run
    (directory / "outcome.json").unlink()
    metrics = directory / "metrics.jsonl"
    metrics.write_text("".join(line for line in metrics.read_text().splitlines(True) if '"step": 3' not in line))
    waiting = [type(each)(each.variant, each.seed, each.run) for each in (first, second)]
    results = before.with_cells([*waiting, *others])
    results.write()
    return results


@pytest.fixture
def serving(running: StudyResults) -> Iterator[ThreadingHTTPServer]:
    with server(running.directory, 0) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def asked(serving: ThreadingHTTPServer, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", serving.server_port)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_directories_are_ahead_of_the_file_of_the_study(running: StudyResults) -> None:
    first, second, *others = live(running)
    assert (first.cell.status, first.step, first.steps) == ("running", 2, 3)
    assert first.text.startswith("patches, seed 0: running, step 2 of 3, 0:0")
    assert second.cell.status == "finished"
    assert {each.cell.status for each in others} == {"finished", "failed"}
    later, *_ = live(running, time.time() + QUIET + 1)
    assert later.cell.status == "stopped"


def test_the_content_follows_the_files_and_nothing_is_written(running: StudyResults) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in running.directory.rglob("*")}

    before, text = files(), content(running.directory)
    assert "7 of 9 runs finished, 1 running, 1 failed" in text
    assert "data:image/png;base64," in text
    assert "<svg" in text
    assert files() == before


def test_it_answers_only_to_its_own_name_and_only_with_its_page(serving: ThreadingHTTPServer) -> None:
    assert asked(serving, "/")[0] == asked(serving, "/live", "localhost:1")[0] == 200
    assert asked(serving, "/", "elsewhere.example")[0] == 403  # a name of an attacker's, pointed at this machine
    assert asked(serving, "/../results.json")[0] == 404
    assert serving.server_address[0] == "127.0.0.1"


def test_a_study_that_goes_is_told(serving: ThreadingHTTPServer, running: StudyResults) -> None:
    shutil.rmtree(running.directory)
    status, text = asked(serving, "/live")
    assert status == 200
    assert "role=alert" in text


def test_a_port_that_is_taken_is_named(serving: ThreadingHTTPServer, running: StudyResults) -> None:
    with pytest.raises(ToonlabError, match=rf"--port {serving.server_port}: can't be used: .*; give another, or 0"):
        server(running.directory, serving.server_port)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_what_changes(
    serving: ThreadingHTTPServer, running: StudyResults, browser: Browser, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    tab, complaints = context.new_page(), list[str]()
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(f"http://127.0.0.1:{serving.server_port}/")
    expect(tab.get_by_text("7 of 9 runs finished, 1 running, 1 failed")).to_be_visible(timeout=120_000)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.locator(".series li").all_inner_texts() == ["patches", "lone"]  # those with curves
    assert Axe().run(tab, options={"resultTypes": ["violations"]}).violations_count == 0
    quiet = time.time() - QUIET - 1
    os.utime(running.directory / running.cells[0].run / "metrics.jsonl", (quiet, quiet))
    expect(tab.get_by_text("7 of 9 runs finished, 0 running, 1 failed")).to_be_visible(timeout=120_000)
    assert complaints == []
    context.close()
