"""What `toonlab plugins doctor` prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toonlab.registry.doctor import examine, show_diagnosis

Install = Callable[..., Path]


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    show_diagnosis(examine())
    return capsys.readouterr().out


def test_plugins_without_problems_take_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys)
    assert shown.splitlines()[-1] == "no problems"
    (line,) = [line for line in shown.splitlines() if line.split()[:1] == ["ctss"]]
    assert "samplers" in line
    assert "other plugins  none" in shown


def test_a_problem_is_told_with_file_and_line(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("toonlab-broken", "a = 1\n1 / 0")
    shown = printed(capsys)
    assert "toonlab_broken  toonlab-broken 1.2  not loaded" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert f"{tmp_path / 'toonlab_broken.py'}:2" in shown
    assert shown.splitlines()[-1] == "1 problem"


def test_markup_in_a_plugin_is_printed_as_it_is(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("toonlab-marked", "raise ValueError('[red]not a colour[/red] [/]')")
    assert "[red]not a colour[/red] [/]" in printed(capsys)


def test_clashes_and_plugins_that_are_left_out(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = "import toonlab\nclass Z: ...\n@toonlab.hookimpl\ndef register_metrics(): return {'zero': Z}\n"
    install("toonlab-one", metric)
    install("toonlab-two", metric)
    assert "clash: metric 'zero', usable from none; uninstall all but one" in printed(capsys)
    monkeypatch.setenv("TOONLAB_PLUGINS", "toonlab_one")
    assert "left out by TOONLAB_PLUGINS=toonlab_one" in printed(capsys)
