"""Trials of a search: their ranking, those that count, and the value of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial
from searches import SEARCH, K, plan_of

from toonlab.engine.train import train
from toonlab.runs.directory import MetricsFile
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.optuna_study import ENDED, INSTEAD_OF, OptunaStudy
from toonlab.studies.plan.search_plan import SearchPlan, sampler
from toonlab.studies.results.results import StudyResults
from toonlab.studies.trials import INFEASIBLE, REPEATS, TrialSource, counted, evaluations_of, ranked, reported


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


@contextmanager
def program(plan: SearchPlan, folder: Path) -> Iterator[tuple[OptunaStudy, TrialSource]]:
    """A program that searches; one after another may, if the one before was killed."""
    with OptunaStudy(f"sqlite:///{folder / 's.db'}", "search", sampler=sampler(plan.search)) as study:
        yield study, TrialSource(study, plan, StudyProgress(StudyResults("search", folder / "search", []), write=False))


def test_a_search_over_a_range_without_steps_that_continues_ends_with_its_last_trial(
    small: Path, tmp_path: Path
) -> None:
    text = SEARCH.replace("[16, 24, 40]", "[16]").replace(K, "generator.losses.content.weight")
    text = text.replace("low: 1, high: 2", "low: 0.5, high: 5").replace("trials: 3", "trials: 9\nsampler: random")
    plan = plan_of(tmp_path / "search.yaml", text)
    for trials in (7, 2):
        with program(plan, tmp_path) as (study, source):
            for _ in range(trials):
                running = source._next()
                assert running is not None
                study.tell(running.trial, TrialState.COMPLETE, 0.5, {})
            assert len(counted(study.trials())) in (7, 9)
    with program(plan, tmp_path) as (_, source):
        assert source._next() is None


def test_what_a_killed_program_did_not_report_of_a_run_is_reported_at_its_end(small: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "search.yaml", SEARCH.replace("seeds_per_trial: 2", "seeds_per_trial: 1"))
    with program(plan, tmp_path) as (_, source):
        (cell,) = source.take(1)
        train(cell.spec.recipe, plan.catalogue, tmp_path, "search", "cpu", identity=cell.identity)
    with program(plan, tmp_path) as (study, source):
        (again,) = source.take(1)
        assert again == cell
        source.end(cell, cell.result(tmp_path / "search"))
        first = study.trials(TrialState.COMPLETE)[0]
    values = [metrics["lines"] for metrics in evaluations_of(tmp_path / "search" / cell.run).values()]
    assert first.intermediate_values == {500: values[0]}
    assert first.value == values[1]


def test_the_evaluations_of_a_run(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl", 0)
    for step, value in ((1, 0.25), (2, 0.5)):
        file.write(step, "evaluation", {"f1": value})
        file.write(step, "scalars", {"f1": 9.0})
    file.close()
    assert evaluations_of(tmp_path) == {1: {"f1": 0.25}, 2: {"f1": 0.5}}
