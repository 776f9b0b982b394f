"""A search's trials: proposed by Optuna, run seed by seed, valued by the mean."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from toonlab.runs.directory import read_metrics
from toonlab.utils.text import duration, several, shown

from .executors.cell import Cell, cells_of
from .executors.driver import CellList
from .executors.process import RunProgress
from .executors.progress import StudyProgress
from .optuna_study import OptunaStudy, first_number, is_interrupted
from .plan.search_plan import SearchPlan, decoded, encoded
from .results.results import CellResult

# attributes of a trial
DEFAULT, INFEASIBLE, REASON = "default", "infeasible", "reason"
SEEDS, SECONDS, REPEATS, SPENT = "seeds", "seconds", "repeats", "spent"
_MOST = 10  # infeasible and other trials at most, as a multiple of the trials to run
_REPEATS = 5  # proposals in a row that were tried already, before a new one is drawn


@dataclass
class RunningTrial:
    """A trial whose seeds run one after another; `values` are those of the seeds that have ended, of the first metric.

    Once the pruner has ended it, it is pruned, even if its run finishes before it can be stopped. `reported` has the
    number of seeds that had ended and the step of each evaluation that the pruner knows. `step` is that of the running
    seed, `spent` the steps and seconds of those that have ended.
    """

    trial: Trial
    params: Mapping[str, Any]
    values: dict[int, float] = field(default_factory=dict)
    measured: dict[int, Mapping[str, float]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    pruned: bool = False
    reported: set[tuple[int, int]] = field(default_factory=set)
    step: int = 0
    spent: Counter[str] = field(default_factory=Counter)


class TrialSource(CellList):
    """The cells of trials, until there are as many trials as the search runs; the default's first.

    The probe looks at every proposal before it runs. Optuna is told of an infeasible one as pruned without any value,
    which its samplers take for the worst possible, and it does not count. Parameters that were tried already would give
    the same value again: they don't run, and Optuna is told of them as failed, which samplers ignore.
    """

    def __init__(self, study: OptunaStudy, plan: SearchPlan, progress: StudyProgress) -> None:
        super().__init__([], progress)
        self.study, self.plan = study, plan
        self._trials: dict[str, RunningTrial] = {}  # by their cell's run
        self._exhausted = False
        study.requeue_interrupted()
        if not study.trials():
            self._add_default()
        self._summarize()

    def _add_default(self) -> None:
        params = {path: encoded(value) for path, value in self.plan.default.items()}
        try:
            self.study.add({DEFAULT: True}, params, self.plan.distributions)
        except ValueError:  # outside of the ranges: the sampler can't learn from it, the report can
            self.study.add({DEFAULT: True})

    # -- for the driver

    @property
    def waiting(self) -> bool:
        return bool(self._left) or not self._exhausted

    def fill(self, count: int) -> None:
        """Have so many cells ready, if there are."""
        while len(self._left) < count and not self._exhausted:
            if running := self._next():
                self._left.append(self._cell(running))
            else:
                self._exhausted = True

    def take(self, free: int) -> Sequence[Cell]:
        self.fill(free)
        return super().take(free)

    def report(self, cell: Cell, progress: RunProgress) -> str | None:
        self._report(running := self._trials[cell.run], progress)
        return "pruned" if running.pruned else None

    def end(self, cell: Cell, result: CellResult) -> None:
        running, outcome = self._trials.pop(cell.run), result.outcome or {}
        self.progress.remove(cell.run)
        evaluations = evaluations_of(self.progress.results.directory / cell.run) if result.status == "finished" else {}
        for (
            step,
            metrics,
        ) in evaluations.items():  # also those that a killed program did not report
            self._report(running, RunProgress(step, max(evaluations), metrics))
        running.spent.update(steps=outcome.get("step", running.step), seconds=round(outcome.get("seconds", 0), 3))
        running.step = 0
        if running.pruned:
            self._finish(running, TrialState.PRUNED, "pruned")
        elif result.status == "finished":
            metrics, seed = evaluations[max(evaluations)], cell.spec.recipe.train.seed
            running.values[seed] = metrics[self.plan.search.metrics[0]]
            running.measured[seed] = metrics
            self._continue(running, outcome.get("scores", {}).get(self.plan.search.metrics[0], ()))
        elif result.status == "failed":
            self._finish(running, TrialState.FAIL, result.reason)
        self._summarize()  # one that was stopped by a signal is interrupted: the next start repeats it

    # -- trials

    def _next(self) -> RunningTrial | None:
        """The next trial that can run; None when there are enough."""
        while True:
            trials = self.study.trials()
            waiting = next((trial for trial in trials if trial.state == TrialState.WAITING), None)
            if waiting is None and not self._has_room(trials):
                return None
            default = waiting is not None and bool(waiting.user_attrs.get(DEFAULT))
            trial = self.study.ask({} if default else self.plan.distributions)
            others = [known for known in trials if known.number != trial.number]
            if not default and _key(trial.params) in tried(others):  # or it was interrupted before it had parameters
                self.study.tell(trial, TrialState.FAIL, None, {REPEATS: True})
                continue
            params = self.plan.default if default else decoded(self.plan.space, trial.params)
            if reason := self.plan.infeasible(params):
                self.study.tell(trial, TrialState.PRUNED, None, {INFEASIBLE: True, REASON: reason})
                self._summarize()
                continue
            return RunningTrial(trial, params)

    def _has_room(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether another trial is to be proposed.

        For a grid, and after several repetitions, one is drawn of the combinations that were not tried.
        """
        own, most = counted(trials), self.plan.count
        if self._spent(own) >= self.plan.amount or len(reported(trials)) >= _MOST * max(most, len(own)):
            return False
        repeats = all(trial.user_attrs.get(REPEATS) for trial in trials[-_REPEATS:])
        if self.plan.search.sampler != "grid" and not (repeats and self.plan.countable):
            return True  # a sampler that has begun again repeats itself, and then proposes new ones
        known = tried(trials)
        new = next((drawn for drawn in self.plan.draws(len(trials)) if _key(drawn) not in known), None)
        if new is not None:
            self.study.add({}, new, self.plan.distributions)
        return new is not None

    def _spent(self, trials: Sequence[FrozenTrial]) -> float:
        """What trials that count have spent of the budget; one that runs, as much as the others on average."""
        if self.plan.unit == "trials":
            return len(trials)
        ended = [trial.user_attrs[SPENT][self.plan.unit] for trial in trials if SPENT in trial.user_attrs]
        return len(trials) * fmean(ended) if ended else 0

    def _cell(self, running: RunningTrial) -> Cell:
        spec = self.plan.spec(running.params, len(running.values), running.trial.number)
        spec = replace(spec, split="validation")
        (cell,) = cells_of([spec], self.plan.catalogue)
        self._trials[cell.run] = running
        return cell

    def _continue(self, running: RunningTrial, scores: Sequence[float | None]) -> None:
        """Run the next seed, or end the trial; `scores` are those of the scenes, of the seed that has ended."""
        if len(running.values) == self.plan.search.seeds_per_trial:
            self._finish(running, TrialState.COMPLETE, None)
        elif self._lags_after_seed(running, scores):
            self._finish(running, TrialState.PRUNED, "pruned between seeds")
        else:
            self._left.append(self._cell(running))

    def _lags_after_seed(self, running: RunningTrial, scores: Sequence[float | None]) -> bool:
        if self.plan.search.objectives:
            return False
        if not self.by_scene:
            return self._lags(running, fmean(running.values.values()), 0)
        first = (len(running.values) - 1) * len(scores)
        finite = {place: v for place, v in enumerate(scores, first) if v is not None and isfinite(v)}
        return bool(finite) and self.study.report(running.trial, finite)

    @property
    def by_scene(self) -> bool:
        """Whether the pruner compares scenes, and no evaluation within a run."""
        return self.plan.search.pruner == "wilcoxon"

    def _report(self, running: RunningTrial, progress: RunProgress) -> None:
        """Tell Optuna of an evaluation before the last, once."""
        running.step = progress.step
        metric, place = self.plan.search.metrics[0], (len(running.values), progress.step)
        known = self.by_scene or self.plan.search.objectives or place in running.reported
        if metric in progress.metrics and progress.step < progress.steps and not known:
            running.reported.add(place)
            mean = fmean([*running.values.values(), progress.metrics[metric]])
            running.pruned = self._lags(running, mean, 1000 * progress.step / progress.steps) or running.pruned

    def _lags(self, running: RunningTrial, mean: float, thousandths: float) -> bool:
        """Tell Optuna the mean so far, at a part of a run; whether it prunes the trial. A run counts as 1000 steps."""
        return self.study.report(running.trial, {1000 * len(running.values) + round(thousandths): mean})

    def _finish(self, running: RunningTrial, state: TrialState, reason: str | None) -> None:
        names, ended = self.plan.search.metrics, running.measured.values()
        means = {name: fmean(each[name] for each in ended) for name in names} if state == TrialState.COMPLETE else {}
        seconds = round(time.monotonic() - running.began, 1)
        seeds = {str(seed): v for seed, v in running.values.items()}
        attributes = {SEEDS: seeds, SECONDS: seconds, SPENT: dict(running.spent), REASON: reason}
        self.study.tell(running.trial, state, list(means.values()) or None, attributes)
        label = self._label(running.params, running.trial.number)
        values = ", ".join(f"{name} {value:.4g}" for name, value in means.items())
        text = f"{values} in {duration(seconds)}" if values else str(reason)
        self.progress.notify(f"trial {running.trial.number}: {shown(label)}: {text}", failed=state == TrialState.FAIL)

    def _summarize(self) -> None:
        """Put the number of trials and the best so far into the study's progress."""
        trials, search = self.study.trials(), self.plan.search
        ended = [trial for trial in counted(trials) if trial.state.is_finished()]
        text = f"{len(ended)}/{self.plan.count} trials"
        if self.plan.unit != "trials":
            text = f"{several(len(ended), 'trial')}, {self._spent(ended):.0f}/{self.plan.amount} {self.plan.unit}"
        if not search.objectives and (best := ranked(trials, maximize=search.maximize)):
            label = self._label(params_of(best[0], self.plan), best[0].number)
            text += f" · best so far: {label}, {search.metrics[0]} {best[0].value:.4g}"
        self.progress.summary = text

    def _label(self, params: Mapping[str, Any], trial: int) -> str:
        """Of a trial: without "supervised", which is the same for all."""
        return replace(self.plan.variant(params, trial), recipe=self.plan.name, supervised=False).label


def params_of(trial: FrozenTrial, plan: SearchPlan) -> dict[str, Any]:
    """A trial's parameters, as the recipe takes them."""
    return plan.default if trial.user_attrs.get(DEFAULT) else decoded(plan.space, trial.params)


def evaluations_of(directory: Path) -> dict[int, dict[str, float]]:
    """step -> the metrics of a run's evaluations, which are on the evaluation samples and not on the test split."""
    lines = read_metrics(directory / "metrics.jsonl")
    return {line["step"]: line["evaluation"] for line in lines if "evaluation" in line}


def reported(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials of the report, in their first order: without interrupted ones and repetitions."""
    kept = [trial for trial in trials if not is_interrupted(trial) and not trial.user_attrs.get(REPEATS)]
    return sorted(kept, key=first_number)


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: without infeasible ones either."""
    return [trial for trial in reported(trials) if not trial.user_attrs.get(INFEASIBLE)]


def ranked(trials: Sequence[FrozenTrial], *, maximize: bool) -> list[FrozenTrial]:
    """The complete trials, the best first; of equals, the earlier."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    return sorted(complete, key=lambda trial: ((-1 if maximize else 1) * (trial.value or 0.0), first_number(trial)))


def tried(trials: Sequence[FrozenTrial]) -> set[str]:
    """The keys of all parameters that were tried."""
    return {_key(trial.params) for trial in reported(trials)}


def _key(parameters: Mapping[str, Any]) -> str:
    """The same for the same parameters, regardless of their order and of rounding in the last digits."""
    rounded = {path: float(f"{v:.12g}") if isinstance(v, float) else v for path, v in parameters.items()}
    return json.dumps(rounded, sort_keys=True)
