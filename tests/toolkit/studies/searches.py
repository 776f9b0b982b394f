"""The search that tests of searches change."""

from __future__ import annotations

from pathlib import Path

from toonlab import discover
from toonlab.studies.plan.search import read_search
from toonlab.studies.plan.search_plan import SearchPlan

K, SIZE = "critics.patch.sampler.k", "critics.patch.sampler.patch_size"
SEARCH = f"""\
about: patches
recipe: small
set: {{train.steps: 4, train.evaluate_every: 2, observers: null}}
search: {{{SIZE}: [16, 24, 40], {K}: {{low: 1, high: 2}}}}
objective: {{metric: lines, direction: maximize}}
trials: 3
seeds_per_trial: 2
pruner: none
confirm: {{top: 1, seeds: 2}}
"""
SEVERAL = f"""\
about: both with the same budget
recipes: [small, other]
set: {{train.steps: 2, train.evaluate_every: 1, observers: null}}
search:
  small: {{{K}: [1, 2], generator.losses.content.weight: {{low: 0.5, high: 5, log: true}}}}
objective: {{metric: lines, direction: maximize}}
sampler: random
pruner: none
seeds_per_trial: 1
budget: {{trials: 2}}
confirm: {{seeds: 2}}
"""
OTHER = "extends: small\ncritics: {patch: null}\n"


def plan_of(file: Path, text: str) -> SearchPlan:
    file.write_text(text)
    search, path = read_search(str(file))
    return SearchPlan(search, path, discover(), {})
