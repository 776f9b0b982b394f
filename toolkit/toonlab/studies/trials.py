"""A search's trials: proposed by Optuna, run seed by seed, judged by the mean."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toonlab.runs.directory import read_metrics
from toonlab.utils.text import duration

from .common import task_of
from .executors.pool import Slot, Cell, Unit
from .executors.process import Progress
from .executors.progress import StudyProgress
from .plan.optuna_objects import decoded, encoded
from .plan.search_plan import SearchPlan
from .queues import Heartbeat
from .results.results import CellResult, Variant
from .storage import Storage, lost

# attributes of a trial: it is the default's; it can't be, and why; each seed's value; seconds; it was there before
DEFAULT, INFEASIBLE, REASON, SEEDS, SECONDS = "default", "infeasible", "reason", "seeds", "seconds"
REPEATS = "repeats"
_MOST = 10  # times as many trials as were asked for may turn out to be infeasible
_REPEATS = 5  # proposals in a row that were tried already, after which one that was not is drawn


class Trials:
    """Hands out trials until there are as many as were asked for, the default's first.

    The probe looks at every proposal before it runs. One that is infeasible is told to Optuna as pruned without any
    value, which its samplers take for as bad as can be, and does not count. Parameters that were tried already would
    give the same value again: they are passed over, and told as failed, which samplers ignore.
    """

    def __init__(self, storage: Storage, plan: SearchPlan, board: StudyProgress, directory: Path) -> None:
        self.storage, self.plan, self.board, self.directory = storage, plan, board, directory
        with storage.exclusive():
            if not storage.trials():
                self._add_default()
        self.summarize()

    def _add_default(self) -> None:
        held = {path: encoded(value) for path, value in self.plan.default.items()}
        try:
            self.storage.add({DEFAULT: True}, held, self.plan.distributions)
        except ValueError:  # outside of the ranges: the sampler can't learn from it, the report can
            self.storage.add({DEFAULT: True})

    def take(self) -> Unit | None:
        for trial in self.storage.trials(TrialState.WAITING):
            if self.storage.claim(trial):
                return partial(self._work, trial=trial)
        with self.storage.exclusive():  # so that no two workers propose the last one
            trials = self.storage.trials()
            if len(counted(trials)) >= self.plan.count or len(told(trials)) >= _MOST * self.plan.count:
                return None
            tried = {_key(trial.params) for trial in told(trials)}
            if (proposed := self._proposed(tried)) is not None:
                return partial(self._work, trial=proposed)
            fresh = next((drawn for drawn in self.plan.draws(len(trials)) if _key(drawn) not in tried), None)
            if fresh is None:
                return None
            self.storage.add({}, fresh, self.plan.distributions)
        return self.take()

    def _proposed(self, tried: set[str]) -> FrozenTrial | None:
        """A trial whose parameters were not tried; None if the sampler proposes none."""
        for _ in range(_REPEATS):
            trial = self.storage.ask(self.plan.distributions)
            if _key(trial.params) not in tried:
                return trial
            self.storage.finish(trial, TrialState.FAIL, None, {REPEATS: True})
        return None

    def wait(self) -> bool:
        self.storage.requeue_stale()
        return bool(self.storage.trials(TrialState.WAITING, TrialState.RUNNING))

    def chosen(self, trial: FrozenTrial) -> dict[str, Any]:
        """A trial's parameters, as the recipe takes them."""
        return self.plan.default if trial.user_attrs.get(DEFAULT) else decoded(self.plan.space, trial.params)

    def _work(self, slot: Slot, trial: FrozenTrial) -> None:
        chosen = self.chosen(trial)
        if reason := self.plan.infeasible(chosen):
            self.storage.finish(trial, TrialState.PRUNED, None, {INFEASIBLE: True, REASON: reason})
        else:
            Attempt(self, slot, trial, chosen).run()
        self.summarize()

    def summarize(self) -> None:
        """How many there are, and the best so far, in a line."""
        trials = self.storage.trials()
        done = sum(trial.state.is_finished() for trial in counted(trials))
        text = f"{done}/{self.plan.count} trials"
        if best := ranked(trials, self.plan.search.maximize):
            label = Variant(self.plan.base.name, self.chosen(best[0])).label
            text += f" · best so far: {label}, {self.plan.search.objective.metric} {best[0].value:.4g}"
        self.board.summary = text


class Attempt:
    """One trial under way, seed after seed: a `Watch` of the crew."""

    def __init__(self, trials: Trials, slot: Slot, trial: FrozenTrial, chosen: dict[str, Any]) -> None:
        self.trials, self.slot, self.trial, self.chosen = trials, slot, trial, chosen
        self.storage, self.plan = trials.storage, trials.plan
        self.metric = self.plan.search.objective.metric
        self.values: dict[int, float] = {}
        self.heartbeat = Heartbeat(self.storage, trial)
        self.began = time.monotonic()

    def run(self) -> None:
        seeds = range(self.plan.search.seeds_per_trial)
        for seed in seeds:
            cell = self._cell(seed)
            if cell is None or cell.status != "finished":
                self._end_early(cell)
                return
            self.values[seed] = last_evaluation(self.trials.directory / cell.run)[self.metric]
            if seed < seeds[-1] and self._lags(fmean(self.values.values()), seed + 1, 0, 1):
                self._finish(TrialState.PRUNED, "pruned between seeds")
                return
        self._finish(TrialState.COMPLETE, None)

    def __call__(self, progress: Progress | None) -> str | None:
        self.heartbeat(progress)
        if progress is None or self.metric not in progress.metrics or progress.step == progress.steps:
            return None
        mean = fmean([*self.values.values(), progress.metrics[self.metric]])
        return "pruned" if self._lags(mean, len(self.values), progress.step, progress.steps) else None

    def _lags(self, mean: float, seeds: int, step: int, steps: int) -> bool:
        """Tell Optuna the mean so far; whether its pruner gives the trial up. A run counts as 1000 of its steps."""
        return self.storage.report(self.trial, mean, 1000 * seeds + round(1000 * step / steps))

    def _cell(self, seed: int) -> CellResult | None:
        """One seed's run; None if this worker was stopped while it waited for another."""
        planned = self.plan.planned(self.chosen, seed)
        task: Cell = task_of(planned, self.plan.catalogue, self.trials.directory.parent, self.trials.directory.name)
        cell = self.slot.run_when_free(task, self)
        self.trials.board.leave(task.cell)
        return cell

    def _end_early(self, cell: CellResult | None) -> None:
        if cell is None or self.slot.crew.stopping:
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
        label = Variant(self.plan.base.name, self.chosen).label
        result = f"{self.metric} {value:.4g} in {duration(seconds)}" if value is not None else str(reason)
        self.trials.board.tell(f"trial {self.trial.number}: {label}: {result}", state == TrialState.FAIL)


def last_evaluation(directory: Path) -> dict[str, float]:
    """The metrics of a run's last evaluation: on the evaluation samples, not on those that are looked at once."""
    lines = [line["evaluation"] for line in read_metrics(directory / "metrics.jsonl") if "evaluation" in line]
    return dict(lines[-1])


def told(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Those that a report is about: without those that are lost, and without repetitions."""
    return [trial for trial in trials if not lost(trial) and not trial.user_attrs.get(REPEATS)]


def counted(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Without those that can't be, too."""
    return [trial for trial in told(trials) if not trial.user_attrs.get(INFEASIBLE)]


def _key(parameters: Mapping[str, Any]) -> str:
    """The same for the same parameters, whatever their order and the last digit of what a step was added to."""
    rounded = {
        path: float(f"{value:.12g}") if isinstance(value, float) else value for path, value in parameters.items()
    }
    return json.dumps(rounded, sort_keys=True)


def ranked(trials: list[FrozenTrial], maximize: bool) -> list[FrozenTrial]:
    """Those that are complete, the best first; of equals, the earlier."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    return sorted(complete, key=lambda trial: ((-1 if maximize else 1) * (trial.value or 0.0), trial.number))
