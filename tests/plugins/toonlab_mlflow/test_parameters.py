from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toonlab_mlflow.parameters import flatten

KEYS = st.text("abc_", min_size=1, max_size=5)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(st.integers(), max_size=3)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=12)


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_the_recipe_can_be_rebuilt_from_its_parameters(recipe: dict[str, Any]) -> None:
    rebuilt: dict[str, Any] = {}
    for path, text in flatten(recipe).items():
        *parents, last = path.split(".")
        place = rebuilt
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = json.loads(text)
    assert rebuilt == recipe


def test_text_stays_as_it_is() -> None:
    recipe = {"data": {"photos": Path("a/b"), "about": "größer"}, "critics": {}, "lr": 2e-5}
    assert flatten(recipe) == {"data.photos": '"a/b"', "data.about": "größer", "critics": "{}", "lr": "2e-05"}


def test_a_long_value_is_cut_to_what_mlflow_takes() -> None:
    text = flatten({"about": "x" * 7000})["about"]
    assert len(text) == 6000
    assert text.endswith("x…")
    assert flatten({"about": "x" * 6000})["about"] == "x" * 6000


def test_observers_are_left_out() -> None:
    assert flatten({"observers": {"mlflow": {}}, "observers_of": 1}) == {"observers_of": "1"}
