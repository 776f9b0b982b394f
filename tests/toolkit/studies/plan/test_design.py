"""Designs: how many variants they make, which, and in which order."""

from __future__ import annotations

from math import prod
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toonlab.studies.plan.design import combinations

FACTORS = st.dictionaries(
    st.sampled_from(["k", "rank", "critics.patch.sampler.patch_size", "train.batch", "representation"]),
    st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    max_size=5,
)


def once(variants: list[dict[str, Any]]) -> bool:
    return all(variant not in variants[:place] for place, variant in enumerate(variants))


@given(FACTORS)
def test_a_full_design_has_every_combination_once(factors: dict[str, list[int]]) -> None:
    variants = list(combinations(factors, "full"))
    assert len(variants) == prod(len(levels) for levels in factors.values())
    assert once(variants)
    assert variants[0] == {path: levels[0] for path, levels in factors.items()}
    for variant in variants:
        assert list(variant) == list(factors)
        assert all(level in factors[path] for path, level in variant.items())


@given(FACTORS)
def test_one_at_a_time_has_the_recipe_as_it_is_and_every_level_by_itself(factors: dict[str, list[int]]) -> None:
    first, *others = combinations(factors, "one-at-a-time")
    assert first == {}
    assert len(others) == sum(len(levels) for levels in factors.values())
    assert once(others)
    assert all(len(variant) == 1 for variant in others)
    assert {(path, level) for variant in others for path, level in variant.items()} == {
        (path, level) for path, levels in factors.items() for level in levels
    }


@given(FACTORS)
def test_leave_one_out_has_all_changes_and_all_but_each(factors: dict[str, list[int]]) -> None:
    first, *others = combinations(factors, "leave-one-out")
    assert first == {path: levels[0] for path, levels in factors.items()}
    assert len(others) == (len(factors) if len(factors) > 1 else 0)
    assert [set(first) - set(variant) for variant in others] == [{path} for path in (factors if others else ())]
    assert all(level == first[path] for variant in others for path, level in variant.items())
