"""Trees by dotted paths: what is set is there, nothing else changes, and parts are merged by their `use`."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab.errors import ToonlabError
from toonlab.recipes.dotted_tree import DottedTree, Tree, merge

NAMES = st.sampled_from(["a", "b", "use", "k1", "0"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "ctss", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TREES = st.dictionaries(NAMES, VALUES, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(".".join)


def part() -> Tree:
    return {
        "critics": {"patch": {"sampler": {"use": "ctss", "k": 4}, "weight": 3}, "image": {"sampler": "whole"}},
        "losses": {"content": {"weight": 2}},
        "stages": [{"name": "a", "epochs": 1}, {"name": "b"}],
    }


@given(TREES, PATHS, SCALARS)
def test_what_is_set_is_there(root: Tree, path: str, value: Any) -> None:
    tree = DottedTree(root)
    try:
        tree.set(path, value)
    except ToonlabError:
        return  # the path leads below a number, or to no place of a list
    assert path in tree
    assert tree.get(path) == value
    assert tree[path] == value


@given(TREES, PATHS, SCALARS)
def test_setting_twice_is_setting_once(root: Tree, path: str, value: Any) -> None:
    tree = DottedTree(root)
    try:
        tree.set(path, value)
    except ToonlabError:
        return
    once = copy.deepcopy(tree.root)
    tree.set(path, value)
    assert tree.root == once


@given(TREES, NAMES, NAMES, NAMES, SCALARS)
def test_siblings_stay_as_they_are(root: Tree, above: str, name: str, other: str, value: Any) -> None:
    tree = DottedTree(root)
    before = copy.deepcopy(tree.get(f"{above}.{other}"))
    if name in (other, "use") or not isinstance(tree.get(above), dict):
        return
    tree.set(f"{above}.{name}", value)
    assert tree.get(f"{above}.{other}") == before


@given(TREES, PATHS)
def test_a_path_is_in_the_tree_exactly_if_it_can_be_read(root: Tree, path: str) -> None:
    tree = DottedTree(root)
    if path in tree:
        assert tree[path] == tree.get(path, "absent")
    else:
        assert tree.get(path, "absent") == "absent"
        with pytest.raises(ToonlabError, match="no such path; at "):
            tree[path]


@given(TREES)
def test_a_wildcard_stands_for_every_name_that_is_not_null(root: Tree) -> None:
    tree = DottedTree({"all": root})
    names = [name for name, value in root.items() if value is not None]
    assert tree.expand("all.*") == [f"all.{name}" for name in names]
    assert tree.expand("all.*.x") == [f"all.{name}.x" for name in names]
    assert tree.expand("all.x") == ["all.x"]


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, SCALARS, max_size=3), max_size=3))
def test_two_wildcards_stand_for_every_pair(root: Tree) -> None:
    pairs = [f"all.{one}.{two}" for one in root for two in root[one] if root[one][two] is not None]
    assert DottedTree({"all": root}).expand("all.*.*") == pairs


@given(TREES, TREES)
def test_merging_leaves_both_trees_as_they_are(base: Tree, over: Tree) -> None:
    before = copy.deepcopy((base, over))
    merged = merge(base, over)
    assert set(merged) == set(base) | set(over)
    assert (base, over) == before
    assert merge(base, {}) == base
    assert merge({}, over) == over


@given(TREES, TREES)
def test_merging_again_changes_nothing(base: Tree, over: Tree) -> None:
    merged = merge(base, over)
    assert merge(merged, over) == merged


def test_what_was_merged_is_a_copy() -> None:
    over = {"a": {"b": [1]}}
    merged = merge({}, over)
    merged["a"]["b"].append(2)
    assert over == {"a": {"b": [1]}}


def test_merge_drops_the_keys_of_a_part_that_is_replaced() -> None:
    base = {"losses": {"content": {"weight": 2, "layer": "a"}}, "list": [1, 2]}
    assert merge(base, {"losses": {"content": {"weight": 3}}})["losses"]["content"] == {"weight": 3, "layer": "a"}
    assert merge(base, {"losses": {"content": {"use": "other"}}})["losses"]["content"] == {"use": "other"}
    own_name = {"losses": {"content": {"use": "content", "weight": 3}}}
    assert merge(base, own_name)["losses"]["content"] == {"use": "content", "weight": 3, "layer": "a"}
    assert merge(base, {"list": [3]})["list"] == [3]


@pytest.mark.parametrize(
    ("path", "value", "there"),
    [
        ("critics.patch.sampler.k", 1, {"use": "ctss", "k": 1}),
        ("critics.patch.sampler", {"k": 1}, {"use": "ctss", "k": 1}),
        ("critics.patch.sampler", "random", "random"),
        ("critics.patch.sampler.use", "random", {"use": "random"}),
        ("critics.patch.sampler.use", "ctss", {"use": "ctss", "k": 4}),
        ("critics.patch.sampler", {"use": "random", "size": 8}, {"use": "random", "size": 8}),
        ("critics.patch.sampler", None, None),
    ],
)
def test_a_part_is_changed_or_replaced(path: str, value: Any, there: Any) -> None:
    tree = DottedTree(part())
    tree.set(path, value)
    assert tree["critics.patch.sampler"] == there
    assert tree["critics.patch.weight"] == 3


def test_a_part_given_by_its_name_takes_parameters() -> None:
    tree = DottedTree(part())
    tree.set("critics.image.sampler.size", 8)
    assert tree["critics.image.sampler"] == {"use": "whole", "size": 8}


def test_a_part_that_has_its_name_from_its_key_keeps_its_parameters_under_that_name() -> None:
    tree = DottedTree(part())
    tree.set("losses.content.use", "content")
    assert tree["losses.content"] == {"weight": 2, "use": "content"}
    tree.set("losses.content.use", "other")
    assert tree["losses.content"] == {"use": "other"}


def test_an_override_called_use_does_not_replace_the_recipe() -> None:
    tree = DottedTree(part())
    tree.set("use", "ctss")
    assert tree.root == {**part(), "use": "ctss"}


def test_places_of_lists_are_numbers() -> None:
    tree = DottedTree(part())
    tree.set("stages.1.epochs", 5)
    tree.set("stages.0", {"name": "c"})
    assert tree["stages"] == [{"name": "c"}, {"name": "b", "epochs": 5}]
    assert "stages.2" not in tree
    for place in ("2", "-1", "last"):
        with pytest.raises(ToonlabError, match=f"'{place}' is not a position in a list of 2"):
            tree.set(f"stages.{place}.epochs", 1)


def test_one_number_for_both_weights_of_a_critic_becomes_two() -> None:
    tree = DottedTree({"critics": {"patch": {"weight": 3}}})
    tree.set("critics.patch.weight.generator", 0.5)
    assert tree["critics.patch.weight"] == {"critic": 3, "generator": 0.5}


def test_a_number_has_nothing_below_it() -> None:
    tree = DottedTree(part())
    with pytest.raises(ToonlabError, match=r"^critics\.patch\.weight\.x: 'weight' is 3, which has nothing below it"):
        tree.set("critics.patch.weight.x", 1)
    assert tree.root == part()


def test_a_path_that_is_missing_is_told_with_the_nearest_key() -> None:
    with pytest.raises(ToonlabError, match="the recipe has no such path; at 'smapler': did you mean 'sampler'"):
        DottedTree(part())["critics.patch.smapler.k"]
