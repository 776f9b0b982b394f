"""Whom the server answers, where it is, and what it needs."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from toonlab import ToonlabError
from toonlab_app.serving import bound, private_folder

from .conftest import App


def asked(app: App, path: str, host: str = "127.0.0.1") -> int:
    with closing(HTTPConnection("127.0.0.1", urlsplit(app.address).port or 0)) as connection:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status


def test_it_answers_to_its_own_name_only_and_gives_no_file_of_the_machine(serving: App) -> None:
    assert asked(serving, "/") == asked(serving, "/", "localhost:1") == 200
    assert asked(serving, "/", "elsewhere.example") == 400  # a name of an attacker's, pointed at this machine
    assert asked(serving, "/gradio_api/file=/etc/hostname") in (403, 404)


def test_the_browser_refuses_to_ask_other_machines_for_the_page(tab: Page) -> None:
    script = """() => new Promise(found => {
        document.addEventListener('securitypolicyviolation', event => found(event.blockedURI))
        fetch('http://127.0.0.1:9/elsewhere').catch(() => setTimeout(found, 500, 'asked'))
    })"""
    assert tab.evaluate(script) == "http://127.0.0.1:9/elsewhere"


def test_it_listens_at_this_machine_only_and_names_a_port_that_is_taken() -> None:
    with bound(0) as first:
        assert first.getsockname()[0] == "127.0.0.1"
        port = first.getsockname()[1]
        with pytest.raises(ToonlabError, match=rf"--port {port}: can't be used: .*; give another, or 0 for a free one"):
            bound(port)
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.1", port)) != 0


def test_without_visitors_it_sleeps(serving: App) -> None:
    """It woke a thousand times a second, which took 7 % of a core."""
    status = Path(f"/proc/{serving.process.pid}/status")
    if not status.exists():
        pytest.skip("this system does not count wake-ups")

    def woken() -> int:
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))
        return int(line.split()[1])

    before = woken()
    time.sleep(2)
    assert woken() - before < 600


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")


def test_a_missing_package_is_named_with_its_extra(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(ToonlabError, match=r"gradio is not installed; pip install 'toonlab\[app\]'"), private_folder():
        pass


def test_photos_are_gone_at_the_end(environment: None) -> None:
    with private_folder() as work:
        (work / "photo.png").write_bytes(b"")
    assert not work.parent.exists()
