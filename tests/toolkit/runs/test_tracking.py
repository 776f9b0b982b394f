"""Another place for the records of observers."""

from __future__ import annotations

from pathlib import Path

import pytest

from toonlab import Catalogue, discover
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Offer
from toonlab.registry.schema import Schema
from toonlab.runs.tracking import tracked, tracked_observers


class Tracker:
    def __init__(self, tracking_uri: str | None = None, every: int = 1) -> None:
        self.uri, self.every = tracking_uri, every


class Beeper:
    def __init__(self, every: int = 1) -> None:
        self.every = every


@pytest.fixture
def catalogue() -> Catalogue:
    found = discover()
    for name, factory in (("tracker", Tracker), ("beeper", Beeper)):
        found.add(Offer("observers", name, factory, Schema.of(factory), "tests 0"))
    return found


def test_only_observers_with_the_parameter_get_it_and_the_tree_stays(small: Path, catalogue: Catalogue) -> None:
    observers = "observers={here: {use: tracker, tracking_uri: 'http://a', every: 3}, beeper: {}}"
    recipe = load(small, catalogue, [observers])
    parts = tracked_observers(recipe, catalogue, "http://me:secret@b")
    made = {name: part.make(catalogue) for name, part in parts.items()}
    assert (made["here"].uri, made["here"].every, made["beeper"].every) == ("http://me:secret@b", 3, 1)
    assert "secret" not in str(recipe.tree)
    assert tracked_observers(recipe, catalogue, None) == dict(recipe.observers)


def test_parameters_as_data(catalogue: Catalogue) -> None:
    assert tracked("tracker", {"every": 2}, catalogue, "http://b") == {"every": 2, "tracking_uri": "http://b"}
    assert tracked("beeper", {"every": 2}, catalogue, "http://b") == {"every": 2}
    assert tracked("tracker", {"every": 2}, catalogue, None) == {"every": 2}
