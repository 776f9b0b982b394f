"""`toonlab plugins doctor` finds what is wrong with installed plugins; the distributions are real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from toonlab.registry import metadata
from toonlab.registry.doctor import Examined, examine

Install = Callable[..., Path]
METRIC = """
    from toonlab import hookimpl

    class Zero:
        def __init__(self, scale: float = 2.0) -> None: ...

    @hookimpl
    def register_metrics():
        return {"zero": Zero}
"""
OBSERVER = """
    from toonlab import hookimpl

    class Watch:
        @hookimpl
        def on_run_start(self, run): ...
        @hookimpl
        def on_step(self, run): ...
        def on_run_end(self, run, outcome): ...

    @hookimpl
    def register_observers():
        return {"watch": Watch}
"""


def plugin(name: str) -> Examined:
    return next(one for one in examine().plugins if one.entry.name == name)


def test_what_is_installed_here_has_no_problems() -> None:
    found = examine({"train"})
    assert (found.problems, found.clashes, found.duplicates, found.unknown) == (0, {}, (), {})
    assert {"ctss", "mlflow"} <= {one.entry.name for one in found.plugins}
    assert {"world", "score"} <= {one.entry.name for one in found.commands}


def test_a_sound_plugin_is_told_with_its_parts(install: Install) -> None:
    install("toonlab-zero", METRIC, requires="toonlab>=0.1,<1")
    one = plugin("toonlab_zero")
    assert (one.status, one.offers, one.problems) == ("loaded", {"metrics": ("zero",)}, ())
    assert one.to_json()["requires"] == "toonlab<1,>=0.1"


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("import nowhere", "not loaded", "No module named 'nowhere'"),
        ("", "loaded", "implements no hook; it needs a function such as register_samplers, with @hookimpl"),
        (METRIC.replace("@hookimpl", ""), "loaded", "register_metrics is not marked with @hookimpl, so nothing calls"),
        (METRIC.replace("register_metrics", "register_metric"), "not loaded", "did you mean 'register_metrics'"),
    ],
)
def test_a_plugin_with_a_problem(install: Install, source: str, status: str, says: str) -> None:
    install("toonlab-wrong", source)
    one = plugin("toonlab_wrong")
    assert one.status == status
    assert any(says in problem.reason for problem in one.problems)


def test_a_plugin_that_requires_another_toonlab(install: Install) -> None:
    install("toonlab-old", METRIC, requires="toonlab<0.1")
    one = plugin("toonlab_old")
    assert one.status == "not loaded"
    assert "it requires toonlab<0.1" in one.problems[0].reason


def test_hooks_of_an_observer_that_are_never_called(install: Install) -> None:
    install("toonlab-watch", OBSERVER)
    one = plugin("toonlab_watch")
    assert one.hooks == {"watch": ("on_run_start",)}
    assert [problem.reason for problem in one.problems] == [
        "observer 'watch': on_run_end is not marked with @hookimpl, so nothing calls it",
        "observer 'watch': hook 'on_step' is unknown; did you mean 'on_step_end'?",
    ]


def test_a_name_that_two_offer(install: Install) -> None:
    install("toonlab-one", METRIC)
    install("toonlab-two", METRIC)
    ((clash, entries),) = examine().clashes.items()
    assert clash == ("metrics", "zero")
    assert [entry.source.name for entry in entries] == ["toonlab-one", "toonlab-two"]


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("train", "def run(): ...", "toonlab has a command 'train' of its own, which takes precedence"),
        ("other", "run = 3", "is not a function that typer can make a command of, but of type int"),
        ("other", "def run(x: 'Missing'): ...", "is not a function that typer can make a command of: NameError"),
        ("other", "import nowhere", "No module named 'nowhere'"),
    ],
)
def test_commands_with_a_problem(install: Install, name: str, source: str, says: str) -> None:
    info = install("toonlab-cli", source)
    (info / "entry_points.txt").write_text(f"[{metadata.COMMANDS}]\n{name} = toonlab_cli:run\n")
    one = next(one for one in examine({"train"}).commands if one.entry.source.name == "toonlab-cli")
    assert says in one.problems[0].reason


def test_the_environment_leaves_out_and_names_what_is_not_installed(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("toonlab-zero", METRIC)
    monkeypatch.setenv("TOONLAB_PLUGINS", "toonlab_zeroo")
    found = examine()
    assert next(one for one in found.plugins if one.entry.name == "toonlab_zero").status == "left out"
    assert list(found.unknown) == ["toonlab_zeroo"]
    assert found.problems == 1


def test_it_is_data_for_programs(install: Install) -> None:
    install("toonlab-broken", "1 / 0")
    told = json.loads(json.dumps(examine().to_json()))
    (problem,) = next(p for p in told["plugins"] if p["name"] == "toonlab_broken")["problems"]
    assert problem["text"].endswith("ZeroDivisionError: division by zero")
    assert (problem["where"][0]["line"], problem["where"][0]["source"]) == (1, "1 / 0")
    assert told["problems"] == 1
