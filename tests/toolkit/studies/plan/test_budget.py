"""Budgets: every variant trains as many steps as cost what the baseline's cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab import discover
from toonlab.errors import RecipeError
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe, StageSpec
from toonlab.studies.plan.budget import allot, allotted, critic_pixels, total_pixels, trained_of
from toonlab.studies.plan.experiment import CellSpec, plan_cells, read_experiment

WHOLE, PATCHES = 2 * 2 * 32 * 32, 2 * 4 * 16 * 16  # pixels of a step of `small`: real and fake, of a batch of two


@pytest.fixture
def folder(small: Path) -> Path:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    (small.parent / "none.yaml").write_text("extends: small\ncritics: {patch: null, image: null}\n")
    return small.parent


def planned(folder: Path, text: str, seconds: Mapping[str, float] | None = None) -> list[CellSpec]:
    """The cells of a comparison, with the steps that its budget gives them."""
    (folder / "study.yaml").write_text(text)
    experiment, path = read_experiment(str(folder / "study.yaml"))
    catalogue = discover()

    def clock(cells: Sequence[CellSpec]) -> Mapping[str, float]:
        assert seconds is not None, "nothing is to be timed"
        return seconds

    return allot(experiment, path, plan_cells(experiment, path, {}, catalogue), catalogue, clock)


def steps(cells: list[CellSpec]) -> dict[str, int | None]:
    return {label: cell.recipe.train.steps for label, cell in trained_of(cells).items()}


# -- pixels


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        ("{use: ctss, patch_size: 16, k: 2}", PATCHES),
        ("{use: ctss, patch_size: 8, k: 5, rank: image}", 2 * 2 * 5 * 8 * 8),
        ("{use: random_patches, patch_size: 20, k: 3}", 2 * 2 * 3 * 20 * 20),
        ("{use: grid_patches, patch_size: 16, stride: 0.5}", 2 * 2 * 9 * 16 * 16),
        ("whole", WHOLE),
    ],
)
def test_a_critic_sees_the_real_and_fake_views_of_a_batch(small: Path, sampler: str, expected: int) -> None:
    """Whatever its representation does to the channels."""
    catalogue = discover()
    recipe = load(small, catalogue, [f"critics.patch.sampler={sampler}"])
    assert critic_pixels(recipe, catalogue) == {"image": WHOLE, "patch": expected}
    colour = load(small, catalogue, [f"critics.patch.sampler={sampler}", "critics.patch.representation=rgb"])
    assert critic_pixels(colour, catalogue) == {"image": WHOLE, "patch": expected}
    larger = load(small, catalogue, [f"critics.patch.sampler={sampler}", "train.batch=6"])
    assert critic_pixels(larger, catalogue)["patch"] == 3 * expected


def test_a_stage_leaves_critics_out(small: Path) -> None:
    catalogue = discover()
    recipe = load(
        small, catalogue, ["stages=[{share: 0.2, critics: []}, {share: 0.3, critics: [image]}, {share: 0.5}]"]
    )
    assert total_pixels(recipe, {"image": 10, "patch": 1}, 10) == 3 * 10 + 5 * 11


@given(
    shares=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    active=st.lists(st.sampled_from([(), ("image",), ("patch",), None]), min_size=4, max_size=4),
    pixels=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    others=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    length=st.integers(10, 400),
)
def test_totals_are_equal_but_for_a_step(
    recipe: Recipe,
    shares: list[int],
    active: list[tuple[str, ...] | None],
    pixels: tuple[int, int],
    others: tuple[int, int],
    length: int,
) -> None:
    """For any stages, of which the last trains both critics, and any two samplers."""
    from toonlab.studies.plan.budget import _steps

    stages = tuple(
        StageSpec(name=f"stage {i}", share=share / sum(shares), critics=active[i] if i + 1 < len(shares) else None)
        for i, share in enumerate(shares)
    )
    shaped = replace(recipe, stages=stages)
    base, other = (dict(zip(("image", "patch"), seen, strict=True)) for seen in (pixels, others))
    target = total_pixels(shaped, base, length)
    found = _steps(lambda count: total_pixels(shaped, other, count), target, len(stages))
    largest = sum(others)
    fewest = total_pixels(shaped, other, len(stages))
    assert found >= len(stages)
    assert abs(total_pixels(shaped, other, found) - target) <= max(largest, fewest - target)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return load("ctss", discover(), at=["tiny"])


def test_what_sees_fewer_pixels_trains_longer(folder: Path) -> None:
    cells = planned(
        folder,
        "recipes: [small, lone, {use: classic}]\nseeds: 2\nset: {train.steps: 120}\nbudget: critic_pixels\n"
        "factors: {critics.patch.sampler.patch_size: [16, 8]}\n",
    )
    small, less, lone = "small (patch_size 16)", "small (patch_size 8)", "lone"
    per_step = {small: WHOLE + PATCHES, less: WHOLE + PATCHES // 4, lone: WHOLE}
    assert steps(cells)[small] == 120
    for label, count in steps(cells).items():
        assert count == pytest.approx(120 * per_step[small] / per_step[label], abs=2)
    assert steps(cells)[lone] == 180
    for cell in cells:  # both seeds, and what is written down
        if cell.recipe.stages:
            assert cell.recipe.train.steps == cell.recipe.tree["train"]["steps"] == steps(cells)[cell.variant.label]
    assert cells[3].recipe.train.steps == 120  # trains nothing


def test_the_baseline_says_how_much(folder: Path) -> None:
    text = "recipes: [small, lone]\nseeds: 1\nset: {train.steps: 120}\nbudget: critic_pixels\n"
    assert steps(planned(folder, text)) == {"small": 120, "lone": 180}
    assert steps(planned(folder, f"{text}baseline: lone\n")) == {"small": 80, "lone": 120}
    assert steps(planned(folder, text.replace("budget: critic_pixels", ""))) == {"small": 120, "lone": 120}


def test_epochs_count_as_shares(folder: Path) -> None:
    (folder / "small.yaml").write_text((folder / "small.yaml").read_text().replace("share: 0.5", "epochs: 7"))
    text = "recipes: [small, lone]\nseeds: 1\nset: {train.steps: 120}\nbudget: critic_pixels\n"
    assert steps(planned(folder, text)) == {"small": 120, "lone": 180}


@pytest.mark.parametrize(
    ("stages", "text", "says"),
    [
        ("epochs: 7", "set: {train.steps: null}\n", "small: train.steps: missing; a budget of critic_pixels needs it"),
        ("steps: 7", "set: {train.steps: null}\n", "small: train.steps: missing"),
        (None, "", "small: stages: some count steps and some epochs"),
        ("share: 0.5", "baseline: classic\n", "budget: the baseline 'classic' trains nothing; give one that does"),
        ("share: 0.5", "factors: {train.steps: [4, 8]}\n", "budget: critic_pixels decides on train.steps, which is a"),
        (
            "share: 0.5",
            "set: {train.batch: 2, critics.patch.sampler.k: 99}\n",
            "small: critics.patch.sampler: ctss: k=99",
        ),
        ("share: 0.5", "baseline: none\n", "none: budget: critic_pixels, but none of its critics ever sees any"),
        ("share: 0.5", "budget: pixels\n", "budget: got 'pixels', expected steps | critic_pixels | seconds"),
    ],
)
def test_a_budget_that_makes_no_sense(folder: Path, stages: str | None, text: str, says: str) -> None:
    recipe = (folder / "small.yaml").read_text()
    mixed = recipe.replace("share: 0.5", "steps: 5", 1).replace("share: 0.5", "epochs: 2", 1)
    (folder / "small.yaml").write_text(mixed if stages is None else recipe.replace("share: 0.5", stages))
    names = "[small, none, {use: classic}]" if "none" in text else "[small, {use: classic}]"
    budget = "" if "budget" in text else "budget: critic_pixels\n"
    with pytest.raises(RecipeError) as caught:
        planned(folder, f"recipes: {names}\nseeds: 2\n{budget}{text}")
    assert says in str(caught.value)
    assert len(caught.value.problems) == 1


# -- seconds


def test_what_takes_longer_trains_fewer_steps(folder: Path) -> None:
    text = "recipes: [small, lone, {use: classic}]\nseeds: 1\nset: {train.steps: 120}\nbudget: seconds\n"
    assert steps(planned(folder, text, {"small": 0.02, "lone": 0.015})) == {"small": 120, "lone": 160}
    assert steps(planned(folder, text, {"small": 0.02, "lone": 99.0})) == {"small": 120, "lone": 2}  # a step a stage
    cells = planned(folder, text.replace("budget: seconds", ""))
    experiment, _ = read_experiment(str(folder / "study.yaml"))
    assert allotted(experiment, cells) == {}
