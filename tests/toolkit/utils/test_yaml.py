"""YAML as data alone: what is refused, with its line, and what is written for people."""

import json
import time
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
    path.write_bytes("a: 1".encode("utf-16"))
    with pytest.raises(ToonlabError, match=r"file\.yaml: can't be read: it is not UTF-8; save it as UTF-8"):
        yaml.load_file(path)
    with pytest.raises(ToonlabError, match=r"file: can't be read: "):
        yaml.load_file(tmp_path / "file")


def test_short_mappings_and_lists_of_scalars_stand_on_one_line() -> None:
    tree = {"z": {"use": "Adam", "betas": [0.5, 0.999]}, "a": {"x": 1, "y": "ü"}}
    assert yaml.dump(tree) == "z:\n  use: Adam\n  betas: [0.5, 0.999]\na: {x: 1, y: ü}\n"


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
MERGES = "m0: &m0 {k: 1}\n" + "".join(f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}]}}\n" for i in range(1, 12))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("? [a, b]\n: 1", "line 1: a key is a name, not a list"),
        ("{a: 1}: 2", "line 1: a key is a name, not a mapping"),
        ("a: 1\nb: 2024-13-45", "line 2: '2024-13-45' is no valid timestamp"),
        ("a: !!int abc", "line 1: 'abc' is no valid int"),
        ("a: !!int ''", "line 1: '' is no valid int"),
        ("a: !!bool maybe", "line 1: 'maybe' is no valid bool"),
        ("a: !!set {b}", "line 1: could not determine a constructor for the tag"),
        ("a: " + "1" * 5000, "line 1: '1111"),
        ("a: 0x" + "1" * 5000, "line 1: '0x11"),
        *(
            (kind * depth, "line 1: nested deeper than 50 levels")
            for kind in ("[", "{a: ")
            for depth in (51, 1200, 5000)
        ),
        (LAUGHS, "line 6: more than 100000 values, aliases included"),
        (MERGES, "line 6: more than 100000 values, aliases included"),
        ("a: &a [*a]", "line 1: *a is inside of what it stands for"),
        ("a: &a {<<: *a}", "line 1: *a is inside of what it stands for"),
        ("<<: 1", "line 1: expected a mapping or list of mappings for merging"),
    ],
)
def test_hostile_text_is_one_line_at_once(text: str, says: str) -> None:
    start = time.thread_time()
    with pytest.raises(ToonlabError) as caught:
        yaml.load(text, "at")
    assert time.thread_time() - start < 20  # not of other threads; expanded aliases would take hours
    assert str(caught.value).startswith(f"at, {says}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.text(alphabet="ab01:-?&*!<>[]{},'\"|%@#. \n\t~=", max_size=40))
def test_any_text_is_plain_data_or_one_line(text: str) -> None:
    try:
        value = yaml.load(text, "at")
    except ToonlabError as error:
        lines = str(error).count("\n")
    else:
        lines = 0
        json.dumps(value, default=lambda date: date.isoformat())
    assert lines == 0
