"""YAML as data alone: what is refused, with its line, and what is written for people."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toonlab.errors import ToonlabError
from toonlab.utils import yaml

KEYS = st.sampled_from(["use", "weight", "steps", "a b", "8", "???", "no"])
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30)
@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_what_is_written_is_read_again(tree: object) -> None:
    assert yaml.load(yaml.dump(tree), "tree") == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{photos: ???, cartoons: ???}", {"photos": "???", "cartoons": "???"}),
        ("photos: ???\n", {"photos": "???"}),
        ("[???, a]", ["???", "a"]),
        ("{? a : 1}", {"a": 1}),
        ("1e-3", "1e-3"),  # YAML 1.1; schemas read it as a number
        ("", None),
    ],
)
def test_what_must_be_given_is_text(text: str, value: object) -> None:
    assert yaml.load(text, "test") == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "at, line 2: key 'a' is given twice"),
        ("x: {a: 1, b: 2, a: 3}", "at, line 1: key 'a' is given twice"),
        ("a: [1\nb: 2\n", "at, line 2: expected ',' or ']', but got ':'"),
        ("\n\na: !!python/name:os.system ''\n", "at, line 3: could not determine a constructor for the tag"),
        ("a: \x01", "at: unacceptable character #x0001: special characters are not allowed"),
    ],
)
def test_errors_are_one_line_with_the_number_of_theirs(text: str, says: str) -> None:
    with pytest.raises(ToonlabError) as caught:
        yaml.load(text, "at")
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_anchors_are_merged_and_can_be_overridden() -> None:
    text = "base: &base {a: 1, b: 2}\nown: {<<: *base, b: 3}\n"
    assert yaml.load(text, "at")["own"] == {"a": 1, "b": 3}


def test_a_file_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: ü\n", encoding="utf-8")
    assert yaml.load_file(path) == {"a": "ü"}
    path.write_text("- a\n")
    with pytest.raises(ToonlabError, match="expected a mapping of names to values at the top, got list"):
        yaml.load_file(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToonlabError, match=r"file\.yaml: can't be read: "):
        yaml.load_file(path)
    with pytest.raises(ToonlabError, match=r"file: can't be read: "):
        yaml.load_file(tmp_path / "file")


def test_short_mappings_and_lists_of_scalars_stand_on_one_line() -> None:
    tree = {"z": {"use": "Adam", "betas": [0.5, 0.999]}, "a": {"x": 1, "y": "ü"}}
    assert yaml.dump(tree) == "z:\n  use: Adam\n  betas: [0.5, 0.999]\na: {x: 1, y: ü}\n"
