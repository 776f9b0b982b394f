"""The Optuna study of a search, in a database that may be away for a while."""

from __future__ import annotations

import sqlite3
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from toonlab.errors import ToonlabError, first_line
from toonlab.utils.databases import driver_error, open_database
from toonlab.utils.text import hide_password, without_password

T = TypeVar("T")
_UNUSABLE = (SQLAlchemyError, sqlite3.Error, ImportError, ValueError, OSError, RuntimeError)
_AWAY = (DBAPIError, optuna.exceptions.StorageInternalError)
ENDED = "ended"  # the attribute of a trial with the state in which it ends, told right before
INSTEAD_OF = "instead_of"  # the number of the trial that was interrupted, whose parameters this one repeats
_PATIENCE = 1800.0  # seconds that a database may be away
_REMEDY = "the search begins again, with the results of the runs that have finished"


class OptunaStudy:
    """One Optuna study. One program at a time asks it for trials.

    Args:
        url: of any database that Optuna takes: `sqlite:///…`, `postgresql+psycopg://…`, …
        name: made where there is none.
        maximize: whether a higher value is better, of each objective.

    Attributes:
        stopping: returns why to wait for the database no longer, or None.

    Raises:
        ToonlabError: if the storage can't be reached, or is none.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        maximize: Sequence[bool] = (True,),
        sampler: optuna.samplers.BaseSampler | None = None,
        pruner: optuna.pruners.BasePruner | None = None,
    ) -> None:
        self.url, self.name = url, name
        self.stopping: Callable[[], str | None] = lambda: None
        self._away = False
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce the study
        try:
            self._storage = open_database(url, "studies", _make_tables, lambda: _connect(url), _REMEDY)
            self._study = optuna.create_study(
                storage=self._storage,
                study_name=name,
                directions=["maximize" if higher else "minimize" for higher in maximize],
                load_if_exists=True,
                sampler=sampler,
                pruner=pruner,
            )
        except ToonlabError as error:
            raise ToonlabError(f"--storage {error}") from error
        except _UNUSABLE as error:
            raise ToonlabError(f"--storage {_why(error, url)}{_hint(_origin(error))}") from error
        finally:
            optuna.logging.set_verbosity(verbosity)

    def __enter__(self) -> OptunaStudy:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """All trials, or those in some states."""
        return self._with_retries(lambda: self._study.get_trials(deepcopy=False, states=states or None))

    def ask(self, distributions: Mapping[str, BaseDistribution]) -> Trial:
        """The first waiting trial, or a new one that the sampler proposes."""
        return self._with_retries(lambda: self._study.ask(dict(distributions)))

    def add(
        self,
        attributes: Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
        distributions: Mapping[str, BaseDistribution] | None = None,
    ) -> None:
        """Add a waiting trial."""
        trial = optuna.create_trial(
            state=TrialState.WAITING,
            params=dict(parameters or {}),
            distributions=dict(distributions or {}),
            user_attrs=dict(attributes),
        )
        self._with_retries(lambda: self._study.add_trial(trial))

    def report(self, trial: Trial, values: Mapping[int, float]) -> bool:
        """Tell the pruner intermediate values of a trial, by their steps; whether it prunes the trial."""
        for step, value in values.items():
            self._with_retries(partial(trial.report, value, step))
        return self._with_retries(trial.should_prune)

    def tell(
        self, trial: Trial, state: TrialState, value: float | Sequence[float] | None, attributes: Mapping[str, Any]
    ) -> None:
        """End a trial; it has a value for each objective."""
        for name, given in {**attributes, ENDED: state.name}.items():
            self._with_retries(partial(trial.set_user_attr, name, given))
        self._with_retries(partial(self._study.tell, trial, value, state, skip_if_finished=True))

    def requeue_interrupted(self) -> None:
        """End the trials of a program that is gone as failed, and add waiting ones with their parameters."""
        for trial in self.trials(TrialState.RUNNING):
            self._with_retries(partial(self._study.tell, trial.number, state=TrialState.FAIL))
        trials = self.trials()
        repeated = {trial.user_attrs.get(INSTEAD_OF) for trial in trials if not is_interrupted(trial)}
        for trial in trials:
            if is_interrupted(trial) and (number := first_number(trial)) not in repeated:
                repeated.add(number)
                self.add({**trial.user_attrs, INSTEAD_OF: number}, trial.params, trial.distributions)

    def importances(self) -> dict[str, float]:
        """The share of each parameter in the variance of the first value, by fANOVA; empty after too few trials."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of too few trials
            try:
                return dict(optuna.importance.get_param_importances(self._study, target=lambda trial: trial.values[0]))
            except (ValueError, RuntimeError):  # fewer than two trials, or all alike
                return {}

    def _with_retries(self, work: Callable[[], T]) -> T:
        """Repeat an operation until the database can be reached.

        Raises:
            ToonlabError: if it can't be reached for half an hour, or everything is to stop.
        """
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                result = work()
            except _AWAY as error:
                text = f"storage {_why(error, self.url)}"
                if self.stopping() or time.monotonic() - began > _PATIENCE:
                    raise ToonlabError(text) from error
                if not self._away:
                    self._away = True
                    warnings.warn(f"{text}; waiting for it", RuntimeWarning, stacklevel=4)
                time.sleep(pause)
                pause = min(2 * pause, 2.0)
            else:
                self._away = False
                return result


def _connect(url: str) -> RDBStorage:
    return RDBStorage(url, {"pool_pre_ping": True})


def _make_tables(url: str) -> Engine:
    return RDBStorage(url).engine


def is_interrupted(trial: FrozenTrial) -> bool:
    """Whether its program ended before it told of the trial's end: another trial repeats it."""
    return trial.state == TrialState.FAIL and trial.user_attrs.get(ENDED) != trial.state.name


def first_number(trial: FrozenTrial) -> int:
    """A trial's number; that of the first one that was interrupted, if this one repeats it."""
    return int(trial.user_attrs.get(INSTEAD_OF, trial.number))


def _origin(error: BaseException) -> BaseException:
    """The error behind Optuna's, which guesses at reasons."""
    while isinstance(error, optuna.exceptions.StorageInternalError | ImportError) and error.__cause__:
        error = error.__cause__
    return error


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"; pip install {error.name}"
    if isinstance(error, ArgumentError):  # no URL, or one of a database that SQLAlchemy doesn't know
        return "; expected an address such as sqlite:///studies.db or postgresql+psycopg://user@host/studies"
    # Optuna says so of tables of its own version, too, if MLflow's lie in the same database
    return "; give Optuna a database of its own" if isinstance(error, RuntimeError) else ""


def _why(error: BaseException, url: str) -> str:
    """The database and its driver's message in a line, without the password."""
    error = _origin(error)
    return f"{without_password(url)}: {hide_password(first_line(driver_error(error) or error), url)}"
