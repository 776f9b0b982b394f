"""A search's trials: proposed by Optuna, run seed by seed, valued by the mean."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toonlab.runs.directory import read_metrics
from toonlab.utils.text import duration

from .executors.cell import cells_of
from .executors.pool import Executor, Task
from .executors.process import RunProgress
from .executors.progress import StudyProgress
from .plan.optuna_objects import decoded, encoded
from .plan.search_plan import SearchPlan
from .queues import Heartbeat
from .results.results import CellResult, Variant
from .storage import Storage, is_stale

# attributes of a trial
DEFAULT, INFEASIBLE, REASON = "default", "infeasible", "reason"
SEEDS, SECONDS, REPEATS = "seeds", "seconds", "repeats"
_MOST = 10  # infeasible and other trials at most, as a multiple of the trials to run
_REPEATS = 5  # proposals in a row that were tried already, before a new one is drawn


class TrialQueue:
    """Hands out trials until there are as many as the search runs, the default's first.

    The probe looks at every proposal before it runs. Optuna is told of an infeasible one as pruned without any value,
    which its samplers take for the worst possible, and it does not count. Parameters that were tried already would give
    the same value again: they don't run, and Optuna is told of them as failed, which samplers ignore.
    """

    def __init__(self, storage: Storage, plan: SearchPlan, progress: StudyProgress) -> None:
        self.storage, self.plan, self.progress = storage, plan, progress
        with storage.exclusive():
            if not storage.trials():
                self._add_default()
        self._summarize()

    def _add_default(self) -> None:
        params = {path: encoded(value) for path, value in self.plan.default.items()}
        try:
            self.storage.add({DEFAULT: True}, params, self.plan.distributions)
        except ValueError:  # outside of the ranges: the sampler can't learn from it, the report can
            self.storage.add({DEFAULT: True})

    def take(self) -> Task | None:
        for trial in self.storage.trials(TrialState.WAITING):
            if self.storage.claim(trial):
                return partial(self._run, trial)
        with self.storage.exclusive():  # so that no two workers propose the last one
            trials = self.storage.trials()
            if len(counted(trials)) >= self.plan.count or len(reported(trials)) >= _MOST * self.plan.count:
                return None
            tried = {_key(trial.params) for trial in reported(trials)}
            if (proposed := self._propose(tried)) is not None:
                return partial(self._run, proposed)
            new = next((drawn for drawn in self.plan.draws(len(trials)) if _key(drawn) not in tried), None)
            if new is None:
                return None
            self.storage.add({}, new, self.plan.distributions)
        return self.take()

    def _propose(self, tried: set[str]) -> FrozenTrial | None:
        """A trial by the sampler with parameters that were not tried; None after several that were."""
        for _ in range(_REPEATS):
            trial = self.storage.ask(self.plan.distributions)
            if _key(trial.params) not in tried:
                return trial
            self.storage.finish(trial, TrialState.FAIL, None, {REPEATS: True})
        return None

    def wait(self) -> bool:
        self.storage.requeue_stale()
        return bool(self.storage.trials(TrialState.WAITING, TrialState.RUNNING))

    def _run(self, trial: FrozenTrial, executor: Executor, device: str) -> None:
        if reason := self.plan.infeasible(params_of(trial, self.plan)):
            self.storage.finish(trial, TrialState.PRUNED, None, {INFEASIBLE: True, REASON: reason})
        else:
            RunningTrial(self.storage, self.plan, trial, executor, device).run()
        self._summarize()

    def _summarize(self) -> None:
        """Put the number of trials and the best so far into the study's progress."""
        trials, search = self.storage.trials(), self.plan.search
        done = sum(trial.state.is_finished() for trial in counted(trials))
        text = f"{done}/{self.plan.count} trials"
        if best := ranked(trials, maximize=search.maximize):
            label = Variant(self.plan.base.name, params_of(best[0], self.plan)).label
            text += f" · best so far: {label}, {search.objective.metric} {best[0].value:.4g}"
        self.progress.summary = text


class RunningTrial:
    """A trial that runs, seed after seed; a `Watch` of the executor."""

    def __init__(self, storage: Storage, plan: SearchPlan, trial: FrozenTrial, executor: Executor, device: str) -> None:
        self.storage, self.plan, self.trial = storage, plan, trial
        self.executor, self.device = executor, device
        self.params, self.metric = params_of(trial, plan), plan.search.objective.metric
        self.values: dict[int, float] = {}
        self.heartbeat = Heartbeat(storage, trial)
        self.began = time.monotonic()

    def run(self) -> None:
        seeds = range(self.plan.search.seeds_per_trial)
        for seed in seeds:
            cell = self._run_seed(seed)
            if cell is None or cell.status != "finished":
                self._end_early(cell)
                return
            self.values[seed] = last_evaluation(self.executor.directory / cell.run)[self.metric]
            if seed < seeds[-1] and self._lags(fmean(self.values.values()), seed + 1, 0, 1):
                self._finish(TrialState.PRUNED, "pruned between seeds")
                return
        self._finish(TrialState.COMPLETE, None)

    def __call__(self, progress: RunProgress | None) -> str | None:
        self.heartbeat(progress)
        if progress is None or self.metric not in progress.metrics or progress.step == progress.steps:
            return None
        mean = fmean([*self.values.values(), progress.metrics[self.metric]])
        return "pruned" if self._lags(mean, len(self.values), progress.step, progress.steps) else None

    def _lags(self, mean: float, seeds: int, step: int, steps: int) -> bool:
        """Tell Optuna the mean so far; whether it prunes the trial. A run counts as 1000 of its steps."""
        return self.storage.report(self.trial, mean, 1000 * seeds + round(1000 * step / steps))

    def _run_seed(self, seed: int) -> CellResult | None:
        """One seed's result; None if this worker was stopped while it waited for another."""
        (cell,) = cells_of([self.plan.spec(self.params, seed)], self.plan.catalogue)
        result = self.executor.run_cell_when_free(cell, self.device, self)
        self.executor.progress.remove(cell.run)
        return result

    def _end_early(self, cell: CellResult | None) -> None:
        if cell is None or self.executor.stopping:
            self.storage.release(self.trial)
        elif cell.status == "stopped":
            self._finish(TrialState.PRUNED, "pruned")
        else:
            self._finish(TrialState.FAIL, cell.reason)

    def _finish(self, state: TrialState, reason: str | None) -> None:
        value = fmean(self.values.values()) if state == TrialState.COMPLETE else None
        seconds = round(time.monotonic() - self.began, 1)
        attributes = {SEEDS: {str(seed): v for seed, v in self.values.items()}, SECONDS: seconds, REASON: reason}
        self.storage.finish(self.trial, state, value, attributes)
        label = Variant(self.plan.base.name, self.params).label
        text = f"{self.metric} {value:.4g} in {duration(seconds)}" if value is not None else str(reason)
        failed = state == TrialState.FAIL
        self.executor.progress.notify(f"trial {self.trial.number}: {label}: {text}", failed=failed)


def params_of(trial: FrozenTrial, plan: SearchPlan) -> dict[str, Any]:
    """A trial's parameters, as the recipe takes them."""
    return plan.default if trial.user_attrs.get(DEFAULT) else decoded(plan.space, trial.params)


def last_evaluation(directory: Path) -> dict[str, float]:
    """The metrics of a run's last evaluation, which is on the evaluation samples and not on the test split."""
    lines = [line["evaluation"] for line in read_metrics(directory / "metrics.jsonl") if "evaluation" in line]
    return dict(lines[-1])


def reported(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials of the report: without stale ones and repetitions."""
    return [trial for trial in trials if not is_stale(trial) and not trial.user_attrs.get(REPEATS)]


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: without infeasible ones either."""
    return [trial for trial in reported(trials) if not trial.user_attrs.get(INFEASIBLE)]


def ranked(trials: Sequence[FrozenTrial], *, maximize: bool) -> list[FrozenTrial]:
    """The complete trials, the best first; of equals, the earlier."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    return sorted(complete, key=lambda trial: ((-1 if maximize else 1) * (trial.value or 0.0), trial.number))


def _key(parameters: Mapping[str, Any]) -> str:
    """The same for the same parameters, regardless of their order and of rounding in the last digits."""
    rounded = {
        path: float(f"{value:.12g}") if isinstance(value, float) else value for path, value in parameters.items()
    }
    return json.dumps(rounded, sort_keys=True)
