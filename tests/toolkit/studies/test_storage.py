"""Work that is shared by a storage: taken up once, missed when its worker dies, given back, and ended once."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from toonlab.errors import ToonlabError
from toonlab.studies.storage import ENDED, INSTEAD_OF, Storage


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the tables of a storage, which take a second to make."""
    path = tmp_path_factory.mktemp("tables") / "new" / "shared.db"
    with Storage(f"sqlite:///{path}", "before") as storage:
        assert storage.importances() == {}
    return path


@pytest.fixture
def url(tables: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(tables, tmp_path)}"


@pytest.fixture
def storage(url: str) -> Iterator[Storage]:
    with Storage(url, "study") as storage:
        yield storage


@pytest.fixture
def other(url: str, storage: Storage) -> Iterator[Storage]:
    """Another worker's."""
    with Storage(url, "study", stale_after=1) as other:
        yield other


def waiting(storage: Storage) -> FrozenTrial:
    (trial,) = storage.trials(TrialState.WAITING)
    return trial


def at_once(*work: Callable[[], object]) -> list[object]:
    """What several workers find who begin at the same time."""
    barrier, found = threading.Barrier(len(work)), [object()] * len(work)

    def do(place: int) -> None:
        barrier.wait()
        found[place] = work[place]()

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_several_who_claim_the_same_one_gets_it(storage: Storage, other: Storage, url: str) -> None:
    with Storage(url, "study") as third:
        for number in range(8):
            storage.add({"run": f"run-{number}"})
            claims = [partial(worker.claim, waiting(storage)) for worker in (storage, other, third)]
            assert sorted(map(bool, at_once(*claims))) == [False, False, True]
    assert len(storage.trials(TrialState.RUNNING)) == 8


def test_what_has_ended_is_not_claimed_and_keeps_its_first_end(storage: Storage, other: Storage) -> None:
    storage.add({"run": "run-0"})
    trial = waiting(storage)
    assert storage.claim(trial)
    storage.finish(trial, TrialState.COMPLETE, 0.7, {"cell": "first"})
    other.finish(trial, TrialState.FAIL, None, {"cell": "second"})
    assert not other.claim(trial)
    (ended,) = storage.trials()
    assert (ended.state, ended.value) == (TrialState.COMPLETE, 0.7)
    assert ended.user_attrs == {"run": "run-0", "cell": "first", ENDED: True}


def test_a_heart_that_stops_is_replaced_exactly_once(
    storage: Storage, other: Storage, url: str, until: Callable[..., None]
) -> None:
    """However many workers look; what has a heartbeat stays as it is."""
    distribution = {"k": optuna.distributions.IntDistribution(1, 9)}
    storage.add({"run": "lost"}, {"k": 4}, distribution)
    lost = waiting(storage)
    assert other.claim(lost)
    with Storage(url, "study", stale_after=1) as third:

        def mended() -> bool:
            at_once(other.requeue_stale, third.requeue_stale)
            return bool(other.trials(TrialState.WAITING))

        until(mended, 60)
        at_once(*[other.requeue_stale, third.requeue_stale] * 2)
    first, replacement = storage.trials()
    assert (first.state, replacement.state) == (TrialState.FAIL, TrialState.WAITING)
    assert replacement.user_attrs == {"run": "lost", INSTEAD_OF: first.number}
    assert (replacement.params, replacement.distributions) == ({"k": 4}, distribution)
    storage.finish(lost, TrialState.COMPLETE, 0.7, {})  # the worker was alive after all: too late
    assert storage.trials()[0].state == TrialState.FAIL


def test_a_heart_that_beats_is_not_replaced(storage: Storage, until: Callable[..., None], url: str) -> None:
    with Storage(url, "study", stale_after=2) as strict:
        for run in ("silent", "beating"):
            strict.add({"run": run})
            assert strict.claim(waiting(strict))

        def missed() -> bool:
            strict.heartbeat(strict.trials()[1])
            strict.requeue_stale()
            return bool(strict.trials(TrialState.WAITING))

        until(missed, 60)
        silent, beating, replacement = strict.trials()
    assert (silent.state, beating.state) == (TrialState.FAIL, TrialState.RUNNING)
    assert replacement.user_attrs == {"run": "silent", INSTEAD_OF: silent.number}


def test_what_is_given_back_is_there_at_once_for_others(storage: Storage, other: Storage) -> None:
    storage.add({"run": "run-0"})
    trial = waiting(storage)
    assert storage.claim(trial)
    storage.release(trial)
    storage.release(trial)  # twice makes no second one
    again = waiting(other)
    assert again.user_attrs == {"run": "run-0", INSTEAD_OF: trial.number}
    assert other.claim(again)
    other.finish(again, TrialState.FAIL, None, {"reason": "diverged"})
    other.requeue_stale()
    assert not other.trials(TrialState.WAITING)  # it ended: it was not lost


def test_several_who_propose_get_trials_of_their_own(storage: Storage, other: Storage, url: str) -> None:
    distributions = {"k": optuna.distributions.IntDistribution(1, 99)}
    with Storage(url, "study") as third:
        asked = at_once(*(partial(worker.ask, distributions) for worker in (storage, other, third)))
    assert len({trial.number for trial in asked if isinstance(trial, FrozenTrial)}) == 3
    assert all(trial.state == TrialState.RUNNING for trial in storage.trials())


def test_within_exclusive_there_is_nobody_else(storage: Storage, other: Storage) -> None:
    def add_one(worker: Storage) -> None:
        for _ in range(5):
            with worker.exclusive():  # look, then add: only safe alone
                count = len(worker.trials())
                worker.add({"run": f"run-{count}"})

    at_once(lambda: add_one(storage), lambda: add_one(other))
    assert set(Counter(trial.user_attrs["run"] for trial in storage.trials()).values()) == {1}
    assert len(storage.trials()) == 10


def test_what_workers_agree_on_is_what_the_first_one_said(storage: Storage, other: Storage) -> None:
    assert storage.get_or_set("timings", {}) == {}
    assert storage.get_or_set("timings", {"a": 1}) == {"a": 1}
    assert other.get_or_set("timings", {"a": 2, "b": 3}) == {"a": 1, "b": 3}
    assert storage.get_or_set("timings", {"a": 4}) == {"a": 1, "b": 3}
    assert storage.get_or_set("others", {"c": 5}) == {"c": 5}


def test_a_study_keeps_its_trials_and_others_do_not_see_them(storage: Storage, url: str) -> None:
    storage.add({"run": "run-0"})
    with Storage(url, "study") as again, Storage(url, "another", maximize=False) as another:
        assert len(again.trials()) == 1
        assert another.trials() == []


def test_mlflows_database_is_refused_in_a_line(tmp_path: Path) -> None:
    """Both keep the version of their schema in a table of the same name."""
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('acf3f17fdcc7')")
    connection.close()
    with pytest.raises(ToonlabError, match=r"--storage sqlite:///.*mlflow\.db: .*; give Optuna a database of its own"):
        Storage(f"sqlite:///{tmp_path / 'mlflow.db'}", "study")
