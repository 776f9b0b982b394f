"""One plugin is loaded: its import, its version, its hooks, its parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toonlab.registry import metadata
from toonlab.registry.loader import frames_of, import_entry_point, load
from toonlab.registry.metadata import Entry

Install = Callable[..., Path]
METRIC = """
    from toonlab import hookimpl

    class Zero:
        '''Always zero.'''
        def __init__(self, scale: float = 2.0) -> None: ...

    @hookimpl
    def register_metrics():
        return {"zero": Zero}
"""


def entry(name: str) -> Entry:
    return next(entry for entry in metadata.entries(metadata.PLUGINS) if entry.name == name)


def test_a_plugin_has_its_hooks_and_its_parts(install: Install) -> None:
    install("toonlab-zero", METRIC)
    plugin = load(entry("toonlab_zero"))
    assert (plugin.hooks, plugin.kinds, plugin.failures) == (("register_metrics",), ("metrics",), ())
    (offer,) = plugin.offers
    assert (offer.kind, offer.name, offer.about, offer.distribution) == (
        "metrics",
        "zero",
        "Always zero.",
        "toonlab-zero 1.2",
    )
    (parameter,) = offer.to_json()["parameters"]
    assert (parameter["name"], parameter["type"], parameter["default"]) == ("scale", "float", 2.0)


def test_a_plugin_that_requires_another_toonlab_is_refused_with_the_remedy(install: Install) -> None:
    install("toonlab-old", METRIC, requires="toonlab<0.1")
    plugin = load(entry("toonlab_old"))
    assert plugin.offers == ()
    (failure,) = plugin.failures
    assert failure.reason.startswith("it requires toonlab<0.1, and this is toonlab ")
    assert failure.reason.endswith("; install a version of toonlab-old that fits")


def test_one_that_fails_to_import_and_requires_another_toonlab_says_both(install: Install) -> None:
    install("toonlab-new", "from toonlab import what_does_not_exist_yet", requires="toonlab>=9")
    (failure,) = load(entry("toonlab_new")).failures
    assert "what_does_not_exist_yet" in failure.reason
    assert "it requires toonlab>=9" in failure.reason


def test_a_module_that_is_installed_under_two_names_is_loaded_once(install: Install) -> None:
    install("toonlab-zero", METRIC)
    install("toonlab-alias", "", entry="toonlab_zero")
    first = load(entry("toonlab_zero"))
    second = load(entry("toonlab_alias"), [first])
    (failure,) = second.failures
    assert "is loaded already, as plugin 'toonlab_zero' of toonlab-zero 1.2; uninstall one" in failure.reason


def test_an_error_has_the_lines_of_the_plugins_own_files(install: Install, tmp_path: Path) -> None:
    install("toonlab-deep", "import json\n\ndef inner():\n    json.loads('{')\n\ninner()\n")
    imported = import_entry_point(entry("toonlab_deep"))
    assert imported.found is None
    (failure,) = imported.failures
    assert "JSONDecodeError" in failure.reason
    assert [(Path(f.file).name, f.line, f.source) for f in failure.frames] == [
        ("toonlab_deep.py", 6, "inner()"),
        ("toonlab_deep.py", 4, "json.loads('{')"),
    ]


def test_a_syntax_error_has_its_line(install: Install) -> None:
    install("toonlab-typo", "a = 1\nb = = 2\n")
    (frame,) = import_entry_point(entry("toonlab_typo")).failures[0].frames
    assert (frame.line, frame.source) == (2, "b = = 2")


def test_at_most_three_lines_are_kept(install: Install) -> None:
    install("toonlab-tower", "def f(n):\n    return f(n - 1) if n else 1 / 0\n\nf(9)\n")
    assert len(import_entry_point(entry("toonlab_tower")).failures[0].frames) == 3


def test_an_error_from_elsewhere_has_no_lines(install: Install) -> None:
    install("toonlab-empty", "")
    with pytest.raises(ZeroDivisionError) as raised:
        _ = 1 / 0
    assert frames_of(raised.value, entry("toonlab_empty")) == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return {'zero': 3}", "'zero'"),
        ("return None", "must return a mapping from name to factory, got NoneType"),
        ("raise SystemExit(1)", "register_metrics raised SystemExit: 1"),
    ],
)
def test_a_hook_that_offers_nothing_usable_fails_for_its_kind_alone(install: Install, body: str, says: str) -> None:
    install("toonlab-odd", METRIC.replace('return {"zero": Zero}', body))
    (failure,) = load(entry("toonlab_odd")).failures
    assert failure.kind == "metrics"
    assert says in failure.reason
