"""Every experiment that ships asks for what its file says, and can run: nothing does here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from toonlab import discover
from toonlab.engine.builder import build
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.studies.plan.budget import critic_pixels
from toonlab.studies.plan.experiment import CellSpec, baseline_of, baselines_of, plan_cells, read_experiment
from toonlab.studies.plan.search import is_search, read_search
from toonlab.studies.plan.search_plan import plans_of
from toonlab.studies.results.results import Variant
from toonlab.utils import paths
from toonlab.utils.distributed import DistributedContext

ROOT = Path(__file__).parents[1]
SHIPPED = paths.listed("experiments")
BUDGETS = {
    "equal_budgets": (("trials", 16), 400),
    "lines_and_surfaces": (("trials", 14), 240),
    "patch_size_and_k": (("trials", 40), 400),
}
SIZES = {  # variants, seeds
    "animegan_tuned": (2, 9),
    "color_weight": (4, 9),
    "ctss_ablation": (14, 3),
    "ctss_vs_baselines": (9, 3),
    "demo": (7, 1),
    "features": (6, 2),
    "high_resolution": (8, 5),
    "ideas_on_one_backbone": (16, 3),
    "not_learned": (4, 2),
    "paper_ablation": (21, 3),
    "paper_comparison": (21, 3),
    "paper_patch_size_and_k": (27, 3),
    "salient_patches": (5, 24),
    "salient_patches_hard": (5, 24),
    "salient_patches_where": (8, 6),
    "sampler_by_representation": (12, 3),
    "samplers": (8, 3),
    "style_losses": (7, 9),
    "whitebox_tuned": (2, 9),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def planned(name: str, catalogue: Catalogue, **overrides: object) -> list[CellSpec]:
    experiment, path = read_experiment(name)
    experiment = replace(experiment, seeds=1, decide=None)
    return plan_cells(experiment, path, overrides, catalogue)


@pytest.mark.parametrize("name", [name for name, path in SHIPPED.items() if not is_search(str(path))])
def test_a_shipped_comparison_is_as_large_as_it_says(name: str, catalogue: Catalogue) -> None:
    experiment, _ = read_experiment(name)
    cells = planned(name, catalogue)
    assert experiment.about
    assert experiment.metrics.primary == ("kid" if name.startswith("paper_") else "lines")
    assert len({cell.variant.label for cell in cells}) == len(cells)
    trained = {cell.variant.label for cell in cells if cell.recipe.stages}
    assert not trained or baseline_of(experiment, cells) in trained
    if name in SIZES:
        assert (len(cells), len(experiment.seed_list)) == SIZES[name]
    for cell in cells:  # by the samplers and representations, whose demands are those that fail
        again = cell.variant.levels.get("style", "The Wind Rises") != "The Wind Rises"  # the same critics
        assert again or not cell.recipe.stages or critic_pixels(cell.recipe, catalogue)


@pytest.mark.parametrize("name", [name for name, path in SHIPPED.items() if is_search(str(path))])
def test_a_shipped_search_has_combinations_that_can_be(name: str, catalogue: Catalogue) -> None:
    search, path = read_search(name)
    plans = plans_of(search, path, catalogue, {})
    assert search.about
    for plan in plans:
        assert plan.infeasible(plan.default) is None
        assert (plan.search.limit, plan.base.train.steps) == BUDGETS[name]
    if name != "patch_size_and_k":
        return
    (plan,) = plans
    ends = [(found.choices or (found.low, found.high)) for found in plan.space.values()]
    lowest, highest = (dict(zip(plan.space, values, strict=True)) for values in zip(*ends, strict=True))
    assert plan.infeasible(lowest) is None
    assert "k can be at most" in str(plan.infeasible(highest))


def test_the_ablation_changes_one_thing_at_a_time(catalogue: Catalogue) -> None:
    whole, *others = planned("ctss_ablation", catalogue)
    assert whole.variant == Variant("ctss")
    assert {len(cell.variant.levels) for cell in others} == {1}
    assert {cell.variant.label for cell in others} >= {
        "ctss (strides dense)",
        "ctss (guided filter none)",
        "ctss (sampler random_patches)",
        "ctss (image off)",
        "ctss (patch off)",
    }


def test_high_resolution_shows_the_same_scenes_and_patches_of_the_same_share(catalogue: Catalogue) -> None:
    for cell in planned("high_resolution", catalogue):
        size, recipe = cell.variant.levels["resolution"], cell.recipe
        assert recipe.train.size == recipe.data.parameters["size"] == size
        assert ("patch" in recipe.critics) == (cell.variant.levels["patch critic"] == "with")
        if "patch" in recipe.critics:
            assert recipe.critics["patch"].sampler.parameters["patch_size"] == size * 3 / 8


PAPERS = ["paper_ablation", "paper_comparison", "paper_patch_size_and_k"]


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_studies_have_its_size_length_and_styles(name: str, catalogue: Catalogue) -> None:
    """Each style has its film and the weights that CTSS's authors give for it; other methods keep their own."""
    films = {"The Wind Rises": "WIND_RISES", "Dragon Ball": "DRAGON_BALL", "Crayon Shin-chan": "SHIN_CHAN"}
    cells = planned(name, catalogue)
    experiment, _ = read_experiment(name)
    baselines = baselines_of(experiment, cells)
    for cell in cells:
        recipe, style = cell.recipe, cell.variant.levels["style"]
        assert recipe.data.parameters["cartoons"] == Path(f"$FRAMES_{films[style]}/train")
        assert recipe.data.parameters["evaluation_cartoons"] == Path(f"$FRAMES_{films[style]}/test")
        assert recipe.data.parameters["test"] == Path("$PHOTOS/test")
        assert (recipe.train.size, recipe.train.batch, recipe.data.parameters["resize"]) == (256, 8, 256)
        assert baselines[cell.variant.label].endswith(f"style {style})")
        if not recipe.stages:
            continue
        assert (recipe.features.use, recipe.features.parameters["layer"]) == ("vgg19", "conv4_4")
        warm_up, *others = recipe.stages
        assert (warm_up.epochs, sum(stage.epochs for stage in others)) == (10, 80)
        losses = {loss: part.weight for loss, part in recipe.generator.losses.items()}
        first = {loss: part.weight for loss, part in warm_up.losses.items()}
        if recipe.name in ("plain", "ctss"):
            content, variation = (2.5, 1.5) if style == "Dragon Ball" else (1.5, 1)
            assert (losses, first) == (
                {"content": content, "color": 15, "total_variation": variation},
                {"content": 5 * content},
            )
        else:
            own = load(recipe.name, catalogue, ["data.photos=a", "data.cartoons=b"])
            assert losses == {loss: part.weight for loss, part in own.generator.losses.items()}
    assert {cell.variant.levels["style"] for cell in cells} == films.keys()
    ctss = next(cell.recipe for cell in cells if cell.recipe.name == "ctss")
    wanted = {"patch_size": 96, "stride_real": 0.5, "stride_fake": 0.75, "k": 4, "rank": "batch"}
    assert wanted.items() <= ctss.critics["patch"].sampler.parameters.items()  # 48 and 72 pixels


@pytest.mark.parametrize("name", ["ctss_ablation", "sampler_by_representation", "samplers"])
def test_networks_take_what_they_are_to_see(name: str, catalogue: Catalogue) -> None:
    for cell in planned(name, catalogue):
        assert build(cell.recipe, catalogue, DistributedContext(torch.device("cpu"))).critics


def test_every_experiment_of_the_folder_is_on_the_shelf() -> None:
    assert {path.stem for path in (ROOT / "experiments").iterdir()} == set(SHIPPED)
