"""Work shared by machines: an Optuna storage distributes it, and keeps its results.

A piece of work is a trial. Its worker sends heartbeats; a trial without them is queued again for another worker. While
the storage can't be reached, workers wait.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from toonlab.errors import ToonlabError, first_line
from toonlab.utils.text import hide_password, without_password

T = TypeVar("T")
_UNUSABLE = (SQLAlchemyError, ImportError, ValueError, OSError, RuntimeError)
ENDED = "ended"  # the attribute of a trial that its worker has ended
INSTEAD_OF = "instead_of"  # the number of the stale trial whose work this one repeats
STALE_AFTER = 120  # seconds
_PATIENCE = 1800.0  # seconds that a storage may be away
_LOCK = 0x70006E  # PostgreSQL's advisory lock of all workers that make tables or trials


class Storage:
    """One Optuna study in a storage.

    Args:
        url: any that Optuna takes: `sqlite:///…`, `postgresql://…`, `mysql://…`, …
        study: its name; made where there is none.
        maximize: whether a higher value is better.
        stale_after: seconds without a heartbeat after which a trial is given to another worker.

    Raises:
        ToonlabError: if the storage can't be reached, or is none.
    """

    def __init__(
        self,
        url: str,
        study: str,
        *,
        maximize: bool = True,
        stale_after: int = STALE_AFTER,
        sampler: optuna.samplers.BaseSampler | None = None,
        pruner: optuna.pruners.BasePruner | None = None,
    ) -> None:
        self.url, self.name, self.stale_after = url, study, stale_after
        self._away = False
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce every trial
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        try:
            with _lock_of(url):
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

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """All trials, or those in some states."""
        return self.with_retries(lambda: self.study.get_trials(deepcopy=False, states=states or None))

    # -- work

    def claim(self, trial: FrozenTrial) -> bool:
        """Take a waiting trial; False if another worker was faster."""
        self.heartbeat(trial)  # first: a trial that never had a heartbeat would never be missed
        lock = _file_lock(self.url) or nullcontext()  # SQLite locks no rows: two workers could see that it waits
        with suppress(UpdateFinishedTrialError), lock:
            return self.with_retries(lambda: self._set(trial, TrialState.RUNNING))
        return False

    def heartbeat(self, trial: FrozenTrial) -> None:
        if isinstance(storage := self._storage, RDBStorage):
            self.with_retries(lambda: storage.record_heartbeat(trial._trial_id))

    def finish(self, trial: FrozenTrial, state: TrialState, value: float | None, attributes: Mapping[str, Any]) -> None:
        """End a trial; one that another worker has ended stays as it is."""
        values = None if value is None else [value]
        with suppress(UpdateFinishedTrialError):
            for name, given in {**attributes, ENDED: True}.items():
                self.with_retries(partial(self._storage.set_trial_user_attr, trial._trial_id, name, given))
            self.with_retries(lambda: self._set(trial, state, values))

    def release(self, trial: FrozenTrial) -> None:
        """Queue a trial's work again, for any worker."""
        self._fail(trial._trial_id)
        self.requeue_stale()

    def _fail(self, number: int) -> None:
        with suppress(UpdateFinishedTrialError):  # by another worker
            self.with_retries(lambda: self._storage.set_trial_state_values(number, TrialState.FAIL))

    def _set(self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None = None) -> bool:
        return self._storage.set_trial_state_values(trial._trial_id, state, values)

    def ask(self, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
        """A new trial, proposed by the sampler, for this worker."""
        asked = self.with_retries(lambda: self.study.ask(dict(distributions)))
        trial = self.with_retries(lambda: self._storage.get_trial(asked._trial_id))
        self.heartbeat(trial)
        return trial

    def report(self, trial: FrozenTrial, value: float, step: int) -> bool:
        """Tell the pruner an intermediate value of a trial; whether it prunes the trial."""
        known = self.with_retries(lambda: optuna.trial.Trial(self.study, trial._trial_id))
        self.with_retries(lambda: known.report(value, step))
        return self.with_retries(known.should_prune)

    def importances(self) -> dict[str, float]:
        """The share of each parameter in the variance of the value, by fANOVA; empty after too few trials."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of too few trials
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
        """Queue a trial."""
        trial = optuna.create_trial(
            state=TrialState.WAITING,
            params=dict(parameters or {}),
            distributions=dict(distributions or {}),
            user_attrs=dict(attributes),
        )
        self.with_retries(lambda: self.study.add_trial(trial))

    def requeue_stale(self) -> None:
        """End stale trials as failed, and queue others in their place."""
        if not isinstance(storage := self._storage, RDBStorage):
            return
        with self.exclusive():
            for number in self.with_retries(lambda: storage._get_stale_trial_ids(self.study._study_id)):
                self._fail(number)
            trials = self.trials()
            replaced = {trial.user_attrs.get(INSTEAD_OF) for trial in trials}
            for trial in trials:
                if is_stale(trial) and trial.number not in replaced:
                    self.add({**trial.user_attrs, INSTEAD_OF: trial.number}, trial.params, trial.distributions)

    def get_or_set(self, name: str, ours: Mapping[str, Any]) -> dict[str, Any]:
        """The mapping that all workers of a study share under a name, with our values for keys that it lacks."""
        with self.exclusive():
            theirs = self.with_retries(lambda: self.study.user_attrs).get(name, {})
            both = {**ours, **theirs}
            if both != theirs:
                self.with_retries(lambda: self.study.set_user_attr(name, both))
        return both

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Within the context, no other worker makes trials."""
        with ExitStack() as stack:
            self.with_retries(lambda: stack.enter_context(_lock_of(self.url)))
            yield

    def with_retries(self, work: Callable[[], T]) -> T:
        """Repeat an operation on the storage until it can be reached.

        Raises:
            ToonlabError: if it can't be reached for half an hour.
        """
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                result = work()
            except (DBAPIError, optuna.exceptions.StorageInternalError) as error:
                if time.monotonic() - began > _PATIENCE:
                    raise ToonlabError(f"--storage {without_password(self.url)}: {_why(error, self.url)}") from error
                self._warn_once(f"{_why(error, self.url)}; waiting for it")
                time.sleep(pause)
                pause = min(2 * pause, 10.0)
            else:
                self._away = False
                return result

    def _warn_once(self, text: str) -> None:
        if not self._away:
            self._away = True
            warnings.warn(f"storage {without_password(self.url)}: {text}", RuntimeWarning, stacklevel=3)


def is_stale(trial: FrozenTrial) -> bool:
    """Whether a trial's worker ended before the trial: another trial repeats its work."""
    return trial.state == TrialState.FAIL and ENDED not in trial.user_attrs


class _HeartbeatStorage(RDBStorage):
    """A storage with heartbeats that Optuna's own thread does not send.

    That thread ends with the first error of the storage, and runs within `Study.optimize` alone; `Study.ask` warns
    without it.
    """

    def get_heartbeat_interval(self) -> int | None:
        return None


def _opened(url: str, stale_after: int) -> optuna.storages.BaseStorage:
    if url.startswith("redis") or "://" not in url:
        text = "has no heartbeats: when a worker dies, no other worker repeats its work"
        warnings.warn(f"storage {without_password(url)} {text}", RuntimeWarning, stacklevel=3)
        return optuna.storages.get_storage(url)
    storage = _HeartbeatStorage(url, {"pool_pre_ping": True})
    storage.heartbeat_interval, storage.grace_period = max(1, stale_after // 6), stale_after
    return storage


def _lock_of(url: str) -> AbstractContextManager[object]:
    """A lock of a database: a file next to SQLite's, PostgreSQL's advisory lock, or none."""
    return _file_lock(url) or (_advisory(url) if url.startswith("postgresql") else nullcontext())


def _file_lock(url: str) -> FileLock | None:
    return FileLock(f"{url.removeprefix('sqlite:///')}.lock") if url.startswith("sqlite:///") else None


@contextmanager
def _advisory(url: str) -> Iterator[None]:
    """PostgreSQL's lock, held by a session of its own until that is closed."""
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    with engine.connect() as session:
        session.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({_LOCK})"))
        yield


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        package = "'toonlab[postgres]'" if error.name == "psycopg" else error.name
        return f"; pip install {package}"
    if isinstance(error, ArgumentError):  # no URL, or one of a database that SQLAlchemy doesn't know
        return "; expected an address such as sqlite:///studies.db or postgresql+psycopg://user@host/studies"
    # Optuna says so of tables of its own version, too, if MLflow's lie in the same database
    return "; give Optuna a database of its own" if isinstance(error, RuntimeError) else ""


def _why(error: BaseException, url: str) -> str:
    """The driver's message in a line, without the password."""
    return hide_password(first_line(getattr(error, "orig", None) or error), url)
