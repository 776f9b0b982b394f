"""Plugins are found, checked, and fail one by one; the distributions here are real ones, on the path."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toonlab import discover
from toonlab.errors import PluginError, RecipeError

Install = Callable[..., Path]

SAMPLER = """
    from dataclasses import dataclass
    from toonlab import Views, hookimpl

    @dataclass(frozen=True)
    class Nothing:
        '''Does nothing.'''
        size: int = 3
        def __call__(self, views: Views) -> Views:
            return views

    @hookimpl
    def register_samplers():
        return {"nothing": Nothing}
"""


def test_the_projects_own_parts_come_by_entry_points() -> None:
    catalogue = discover()
    assert not catalogue.failures
    assert {"ctss", "whole", "random_patches", "grid_patches"} <= set(catalogue.names("samplers"))
    assert catalogue.get("samplers", "ctss").distribution.startswith("toonlab ")


def test_a_plugin_is_found_built_and_checked(install: Install) -> None:
    install("toonlab-nothing", SAMPLER)
    catalogue = discover()
    assert catalogue.get("samplers", "nothing").distribution == "toonlab-nothing 1.2"
    assert catalogue.make("samplers", "nothing", size=5).size == 5
    with pytest.raises(RecipeError, match=r"nothing\.size: got 'x', expected int"):
        catalogue.make("samplers", "nothing", size="x")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (SAMPLER.replace("register_samplers", "register_sampler"), "did you mean 'register_samplers'?"),
        (SAMPLER.replace("register_samplers()", "register_samplers(config)"), "config"),
        (SAMPLER.replace("register_samplers()", "on_run_start(run)"), "called on observers only"),
        (SAMPLER.replace("size: int = 3", "size: int = 3\n        weight: float = 1.0"), "'weight' has a reserved"),
        (SAMPLER.replace('{"nothing": Nothing}', "[Nothing]"), "must return a mapping"),
        (SAMPLER.replace('{"nothing": Nothing}', "1 / 0"), "register_samplers raised ZeroDivisionError"),
        (SAMPLER.replace('{"nothing": Nothing}', '{"nothing": lambda **settings: None}'), r"takes **settings"),
        (SAMPLER.replace('{"nothing": Nothing}', '{"nothing": lambda size: None}'), "'size' has no annotation"),
        (SAMPLER.replace("size: int", "size: 'Unknown'"), "its annotations can't be read"),
    ],
)
def test_a_broken_plugin_is_named_with_its_distribution_and_costs_itself_alone(
    install: Install, source: str, says: str
) -> None:
    install("toonlab-broken", source)
    install("toonlab-sound", SAMPLER.replace("nothing", "sound"))
    catalogue = discover()
    (failure,) = catalogue.failures
    assert failure.distribution == "toonlab-broken 1.2"
    assert says in str(failure)
    assert "sound" in catalogue.names("samplers")
    with pytest.raises(PluginError, match=r"not loaded: .*toonlab-broken 1\.2"):
        catalogue.get("samplers", "nothing")


def test_a_name_offered_twice_is_usable_from_neither(install: Install) -> None:
    install("toonlab-one", SAMPLER)
    install("toonlab-two", SAMPLER, "2.0")
    catalogue = discover()
    assert "nothing" not in catalogue.names("samplers")
    with pytest.raises(PluginError, match=r"toonlab-one 1\.2 and by toonlab-two 2\.0"):
        catalogue.get("samplers", "nothing")


def test_the_environment_chooses_plugins(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("toonlab-one", SAMPLER)
    install("toonlab-two", SAMPLER)
    monkeypatch.setenv("TOONLAB_PLUGINS", "toonlab_two")
    assert discover().get("samplers", "nothing").distribution == "toonlab-two 1.2"
    monkeypatch.setenv("TOONLAB_PLUGINS", "")
    assert "nothing" not in discover().names("samplers")
    assert "whole" in discover().names("samplers")
    monkeypatch.setenv("TOONLAB_PLUGINS", "toonlab_tow")
    (failure,) = discover().failures
    assert "did you mean 'toonlab_two'?" in str(failure)


def test_an_unknown_name_is_told_what_may_have_offered_it(install: Install) -> None:
    install("toonlab-a", SAMPLER.replace('{"nothing": Nothing}', "1 / 0"))
    install("toonlab-b", "import nowhere")
    install("toonlab-c", "import nowhere")
    catalogue = discover()
    with pytest.raises(
        PluginError, match=r"toonlab-a 1\.2: register_samplers raised .*; 2 more: see `toonlab plugins`$"
    ):
        catalogue.get("samplers", "nothing")
    with pytest.raises(PluginError, match=r"not loaded: .*toonlab-b 1\.2: .*; 1 more: see `toonlab plugins`$"):
        catalogue.get("metrics", "nothing")


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(PluginError, match="did you mean 'random_patches'"):
        discover().get("samplers", "random_patch")
