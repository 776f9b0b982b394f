"""`toonlab app` from its start, without a network, to its end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from .conftest import SECONDS, App


def test_it_starts_without_a_network_and_ends_cleanly(
    runs: Path, start: Callable[..., App], tmp_path: Path, browser: Browser
) -> None:
    app = start("--runs", runs, temporary=tmp_path)
    page = browser.new_page()
    page.goto(app.address)
    expect(page.get_by_text("Choose a photo to begin.")).to_be_visible(timeout=SECONDS)
    assert app.told.endswith("shows 2 methods; Ctrl+C ends this\n")
    assert [path.name for path in tmp_path.glob("toonlab-app-*")]
    found, errors = app.end(signal.SIGTERM)  # while the page is open; for SIGINT see the tests of clips
    page.close()
    assert found == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert "left out: gone: no run of it has finished" in errors
    assert list(tmp_path.glob("toonlab-app-*")) == []
