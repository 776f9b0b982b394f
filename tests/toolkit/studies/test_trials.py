"""Trials of a search: their ranking, those that count, and the value of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from toonlab.runs.directory import MetricsFile
from toonlab.studies.optuna_study import ENDED, INSTEAD_OF, OptunaStudy
from toonlab.studies.trials import INFEASIBLE, REPEATS, counted, last_evaluation, ranked, reported


def test_ranks_ignore_what_is_not_complete(tmp_path: Path) -> None:
    with OptunaStudy(f"sqlite:///{tmp_path / 's.db'}", "ranks") as study:
        for value in (0.3, 0.7, 0.7, None):
            trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
            state = TrialState.PRUNED if value is None else TrialState.COMPLETE
            study.tell(trial, state, value, {})
        assert [trial.number for trial in ranked(study.trials(), maximize=True)] == [1, 2, 0]
        assert [trial.number for trial in ranked(study.trials(), maximize=False)] == [0, 1, 2]


def ended(state: TrialState, value: float | None = None, **attributes: Any) -> FrozenTrial:
    return create_trial(state=state, value=value, user_attrs=attributes)


def test_interrupted_trials_and_repetitions_are_not_reported_and_infeasible_ones_do_not_count() -> None:
    complete = ended(TrialState.COMPLETE, 0.5, **{ENDED: "COMPLETE"})
    failed = ended(TrialState.FAIL, **{ENDED: "FAIL"})
    infeasible = ended(TrialState.PRUNED, **{ENDED: "PRUNED", INFEASIBLE: True})
    interrupted, repetition = ended(TrialState.FAIL), ended(TrialState.FAIL, **{ENDED: "FAIL", REPEATS: True})
    trials = [complete, interrupted, failed, repetition, infeasible]
    assert reported(trials) == [complete, failed, infeasible]
    assert counted(trials) == [complete, failed]


def test_a_repeated_trial_keeps_its_first_place() -> None:
    first, second = (
        ended(TrialState.COMPLETE, 0.5, **{ENDED: "COMPLETE"}),
        ended(TrialState.COMPLETE, 0.6, **{ENDED: "COMPLETE"}),
    )
    second.number, first.number, first.user_attrs[INSTEAD_OF] = 1, 2, 0
    assert reported([second, first]) == [first, second]


def test_a_runs_value_is_its_last_evaluation(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl", 0)
    for step, value in ((1, 0.25), (2, 0.5)):
        file.write(step, "evaluation", {"f1": value})
        file.write(step, "scalars", {"f1": 9.0})
    file.close()
    assert last_evaluation(tmp_path) == {"f1": 0.5}
