"""A search's space, sampler and pruner as Optuna's."""

from __future__ import annotations

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from toonlab.studies.plan.optuna_objects import decoded, distributions, encoded, grid, pruner, sampler
from toonlab.studies.plan.search import Range, SearchObjective, SearchSpec

PART = {"use": "ctss", "k": 2}
SPACE = {
    "part": Range((PART, None, "whole")),
    "k": Range(None, 1, 9, 2, integer=True),
    "lr": Range(None, 1e-4, 1e-1, log=True),
}


def spec(**given: object) -> SearchSpec:
    return SearchSpec("ctss", {"k": "auto"}, SearchObjective("f1"), **given)


def test_a_range_is_a_distribution() -> None:
    found = distributions(SPACE)
    assert found["part"] == CategoricalDistribution(['{"k": 2, "use": "ctss"}', None, "whole"])
    assert found["k"] == IntDistribution(1, 9, step=2)
    assert found["lr"] == FloatDistribution(1e-4, 1e-1, log=True)


def test_choices_come_back_as_the_recipe_takes_them() -> None:
    params = {"part": encoded(PART), "k": 3, "lr": 0.01}
    assert decoded(SPACE, params) == {"part": PART, "k": 3, "lr": 0.01}
    assert decoded(SPACE, {"part": "whole"}) == {"part": "whole"}


def test_a_grid_has_both_ends() -> None:
    assert grid(SPACE["k"]) == [1, 3, 5, 7, 9]
    assert grid(Range(None, 0.0, 0.3, 0.1)) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert grid(SPACE["part"]) == [encoded(PART), None, "whole"]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tpe", optuna.samplers.TPESampler),
        ("random", optuna.samplers.RandomSampler),
        ("grid", optuna.samplers.RandomSampler),
    ],
)
def test_samplers_propose_the_same_each_time(name: str, kind: type) -> None:
    space = {"k": SPACE["k"]}
    proposed = []
    for _ in range(2):
        study = optuna.create_study(sampler=sampler(spec(sampler=name)))
        assert isinstance(study.sampler, kind)
        proposed.append([study.ask(distributions(space)).params["k"] for _ in range(4)])
    assert proposed[0] == proposed[1]
    assert set(proposed[0]) <= {1, 3, 5, 7, 9}


def test_pruners() -> None:
    assert isinstance(pruner(spec()), optuna.pruners.MedianPruner)
    assert isinstance(pruner(spec(pruner="hyperband")), optuna.pruners.HyperbandPruner)
    assert isinstance(pruner(spec(pruner="none")), optuna.pruners.NopPruner)
