"""Work that many machines share: an Optuna storage hands it out, and keeps what came of it.

A unit of work is a trial. Whoever works on one lets its heart beat; one whose heart has stopped is taken up by another.
The storage may be away for a while: everybody waits.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from toonlab.errors import ToonlabError, first_line
from toonlab.utils.text import hide_password, without_password

T = TypeVar("T")
_UNUSABLE = (SQLAlchemyError, ImportError, ValueError, OSError, RuntimeError)
ENDED = "ended"  # the attribute of a trial that somebody has worked on to its end
INSTEAD_OF = "instead_of"  # the number of the lost trial whose work this one does again
STALE_AFTER = 120  # seconds
_PATIENCE = 1800.0  # seconds that a storage may be away
_LOCK = 0x70006E  # PostgreSQL's advisory lock of all who make tables or trials

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Storage:
    """One Optuna study in a storage.

    Args:
        url: any that Optuna takes: `sqlite:///…`, `postgresql://…`, `mysql://…`, …
        study: its name; made where there is none.
        maximize: whether more is better.
        stale_after: seconds without a heartbeat after which a trial's work is given to somebody else.

    Raises:
        ToonlabError: if the storage can't be reached, or is none.
    """

    def __init__(
        self,
        url: str,
        study: str,
        maximize: bool = True,
        stale_after: int = STALE_AFTER,
        sampler: optuna.samplers.BaseSampler | None = None,
        pruner: optuna.pruners.BasePruner | None = None,
    ) -> None:
        self.url, self.name, self.stale_after = url, study, stale_after
        self._away = False
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        try:
            with _alone_on(url):
                self._storage = _opened(url, stale_after)
                self.study = optuna.create_study(
                    storage=self._storage,
                    study_name=study,
                    direction="maximize" if maximize else "minimize",
                    load_if_exists=True,
                    sampler=sampler,
                    pruner=pruner,
                )
        except _UNUSABLE as error:
            raise ToonlabError(f"--storage {without_password(url)}: {_why(error, url)}{_hint(error)}") from error

    def __enter__(self) -> Storage:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._storage.remove_session()
        if isinstance(self._storage, RDBStorage):
            self._storage.engine.dispose()

    # -- what is asked

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """All trials, or those in some states."""
        return self.with_retries(lambda: self.study.get_trials(deepcopy=False, states=states or None))

    # -- work

    def claim(self, trial: FrozenTrial) -> bool:
        """Take up a waiting trial; whether nobody was faster."""
        try:
            self.heartbeat(trial)  # first: a trial that never had a heartbeat would never be missed
            with _file_lock(self.url) or nullcontext():  # SQLite locks no rows: two could see that it waits
                return self.with_retries(lambda: self._set(trial, TrialState.RUNNING))
        except optuna.exceptions.UpdateFinishedTrialError:
            return False

    def heartbeat(self, trial: FrozenTrial) -> None:
        if isinstance(storage := self._storage, RDBStorage):
            self.with_retries(lambda: storage.record_heartbeat(trial._trial_id))

    def finish(self, trial: FrozenTrial, state: TrialState, value: float | None, attributes: Mapping[str, Any]) -> None:
        """The end of a trial; what others have ended meanwhile stays as it is."""
        try:
            for name, given in {**attributes, ENDED: True}.items():
                self.with_retries(partial(self._storage.set_trial_user_attr, trial._trial_id, name, given))
            values = None if value is None else [value]
            self.with_retries(lambda: self._set(trial, state, values))
        except optuna.exceptions.UpdateFinishedTrialError:
            return

    def release(self, trial: FrozenTrial) -> None:
        """Give a trial's work back: somebody takes it up again (see `requeue_stale`)."""
        self._fail(trial._trial_id)
        self.requeue_stale()

    def _fail(self, number: int) -> None:
        try:
            self.with_retries(lambda: self._storage.set_trial_state_values(number, TrialState.FAIL))
        except optuna.exceptions.UpdateFinishedTrialError:
            return  # by somebody else, meanwhile

    def _set(self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None = None) -> bool:
        return self._storage.set_trial_state_values(trial._trial_id, state, values)

    def ask(self, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
        """A new trial, proposed by the sampler, and taken up."""
        asked = self.with_retries(lambda: self.study.ask(dict(distributions)))
        trial = self.with_retries(lambda: self._storage.get_trial(asked._trial_id))
        self.heartbeat(trial)
        return trial

    def report(self, trial: FrozenTrial, value: float, step: int) -> bool:
        """An intermediate value of a trial; whether the pruner gives the trial up."""
        known = self.with_retries(lambda: optuna.trial.Trial(self.study, trial._trial_id))
        self.with_retries(lambda: known.report(value, step))
        return self.with_retries(known.should_prune)

    def importances(self) -> dict[str, float]:
        """How much each parameter decides about the value, by fANOVA; empty where there is too little to tell."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is little to tell
            try:
                return dict(optuna.importance.get_param_importances(self.study))
            except (ValueError, RuntimeError):  # fewer than two trials, or all alike
                return {}

    def add(
        self,
        attributes: Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
        distributions: Mapping[str, BaseDistribution] | None = None,
    ) -> None:
        """A waiting trial."""
        trial = optuna.create_trial(
            state=TrialState.WAITING,
            params=dict(parameters or {}),
            distributions=dict(distributions or {}),
            user_attrs=dict(attributes),
        )
        self.with_retries(lambda: self.study.add_trial(trial))

    def requeue_stale(self) -> None:
        """Take what stale trials worked on up again: they have failed, and others wait in their place."""
        if not isinstance(storage := self._storage, RDBStorage):
            return
        with self.exclusive():
            for number in self.with_retries(lambda: storage._get_stale_trial_ids(self.study._study_id)):
                self._fail(number)
            trials = self.trials()
            replaced = {trial.user_attrs.get(INSTEAD_OF) for trial in trials}
            for trial in trials:
                if lost(trial) and trial.number not in replaced:
                    self.add({**trial.user_attrs, INSTEAD_OF: trial.number}, trial.params, trial.distributions)

    def get_or_set(self, name: str, ours: Mapping[str, Any]) -> dict[str, Any]:
        """What all who work on the study go by, by name: whoever was first has said it; now with what is ours."""
        with self.exclusive():
            theirs = self.with_retries(lambda: self.study.user_attrs).get(name, {})
            both = {**ours, **theirs}
            if both != theirs:
                self.with_retries(lambda: self.study.set_user_attr(name, both))
        return both

    # -- others

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Within, no other worker makes trials."""
        engine = getattr(self._storage, "engine", None)
        if engine is None or engine.dialect.name != "postgresql":
            with _alone_on(self.url):
                yield
            return
        connection = self.with_retries(lambda: _locked(engine))
        try:
            yield
        finally:
            connection.invalidate()  # the lock is the session's, and would go back to the pool with it
            connection.close()

    def with_retries(self, work: Callable[[], T]) -> T:
        """Do what needs the storage; while it is away, wait and try again.

        Raises:
            ToonlabError: if it does not come back within half an hour.
        """
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                result = work()
            except (DBAPIError, optuna.exceptions.StorageInternalError) as error:
                if time.monotonic() - began > _PATIENCE:
                    raise ToonlabError(f"--storage {without_password(self.url)}: {_why(error, self.url)}") from error
                self._tell(f"{_why(error, self.url)}; waiting for it")
                time.sleep(pause)
                pause = min(2 * pause, 10.0)
            else:
                self._away = False
                return result

    def _tell(self, text: str) -> None:
        if not self._away:
            self._away = True
            warnings.warn(f"storage {without_password(self.url)}: {text}", RuntimeWarning, stacklevel=3)


def lost(trial: FrozenTrial) -> bool:
    """Whether somebody died over it: another trial does its work."""
    return trial.state == TrialState.FAIL and ENDED not in trial.user_attrs


class _Beating(RDBStorage):
    """A storage in which hearts beat, but not by Optuna's own thread.

    That one ends with the first error of the storage, and beats inside of `Study.optimize` alone; `Study.ask` warns
    where it should run and does not.
    """

    def get_heartbeat_interval(self) -> int | None:
        return None


def _opened(url: str, stale_after: int) -> optuna.storages.BaseStorage:
    if url.startswith("redis") or "://" not in url:
        text = "has no heartbeats: what a worker that dies works on is not taken up by others"
        warnings.warn(f"storage {without_password(url)} {text}", RuntimeWarning, stacklevel=3)
        return optuna.storages.get_storage(url)
    storage = _Beating(url, {"pool_pre_ping": True})
    storage.heartbeat_interval, storage.grace_period = max(1, stale_after // 6), stale_after
    return storage


def _alone_on(url: str) -> AbstractContextManager[object]:
    """A lock of all who use a database: a file beside one that is a file, PostgreSQL's own, or none."""
    return _file_lock(url) or (_advisory(url) if url.startswith("postgresql") else nullcontext())


def _file_lock(url: str) -> FileLock | None:
    return FileLock(f"{url.removeprefix('sqlite:///')}.lock") if url.startswith("sqlite:///") else None


@contextmanager
def _advisory(url: str) -> Iterator[None]:
    engine = sqlalchemy.create_engine(url, connect_args={"connect_timeout": 10})
    with _locked(engine):
        yield
    engine.dispose()


def _locked(engine: sqlalchemy.Engine) -> sqlalchemy.Connection:
    """A session of PostgreSQL that holds the lock until it ends."""
    connection = engine.connect()
    try:
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({_LOCK})"))
    except BaseException:
        connection.close()
        raise
    return connection


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        package = "'toonlab[postgres]'" if error.name == "psycopg" else error.name
        return f"; pip install {package}"
    if isinstance(error, ArgumentError):  # no URL, or one of a database that SQLAlchemy doesn't know
        return "; expected an address such as sqlite:///studies.db or postgresql+psycopg://user@host/studies"
    # Optuna says so of tables of its own version, too, if MLflow's lie in the same database
    return "; give Optuna a database of its own" if isinstance(error, RuntimeError) else ""


def _why(error: BaseException, url: str) -> str:
    """The driver's own words, in a line, without the password."""
    return hide_password(first_line(getattr(error, "orig", None) or error), url)
