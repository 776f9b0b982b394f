"""Result of a search: its space, its trials and the importance of each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

TrialState = Literal["waiting", "running", "complete", "pruned", "failed", "infeasible"]


@dataclass(frozen=True)
class SearchTrial:
    """A trial of a search.

    Args:
        params: dotted path -> value, as the recipe takes it.
        default: whether these are the recipe's own parameters.
        value: the mean over the seeds of the objective, for a complete trial.
        seeds: seed -> its value.
        intermediate: step -> the mean so far, as reported to the pruner.
        reason: why it failed, was pruned or is infeasible.
    """

    number: int
    params: Mapping[str, Any]
    default: bool = False
    state: TrialState = "complete"
    value: float | None = None
    seeds: Mapping[str, float] = field(default_factory=dict)
    intermediate: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class SearchResult:
    """A search and its trials.

    Args:
        objective: `metric` and `direction`.
        space: dotted path -> `{choices: …}`, or the fields of a range.
        default: dotted path -> the recipe's own value.
        importances: dotted path -> its share of the variance of the value, by fANOVA; empty after too few trials.
        storage: the Optuna storage, without a password.
        study: the name of the Optuna study.
    """

    recipe: str
    objective: Mapping[str, str]
    space: Mapping[str, Mapping[str, Any]]
    sampler: str = "tpe"
    pruner: str = "none"
    seeds_per_trial: int = 1
    default: Mapping[str, Any] = field(default_factory=dict)
    trials: Sequence[SearchTrial] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    storage: str = ""
    study: str = ""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SearchResult:
        return cls(**{**record, "trials": [SearchTrial(**trial) for trial in record["trials"]]})
