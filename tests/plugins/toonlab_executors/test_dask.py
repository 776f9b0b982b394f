"""The executor of a Dask scheduler, with real workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import dask.config as dask_settings
import distributed
import pytest
from tasks import count, divide, place, settings, unfit, until_stopped

from toonlab import ToonlabError, UnfitSlotError
from toonlab.testing import ExecutorTests
from toonlab.testing.frame import failures
from toonlab_executors import dask
from toonlab_executors.dask import DaskExecutor, drop_settings
from toonlab_executors.local import cores

MINE = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}


def start(command: str, *options: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", f"distributed.cli.dask_{command}", *options, "--no-dashboard"]
    return subprocess.Popen(words, env=MINE, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a scheduler with two stock workers, and a third one without the resource."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    join = ["--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1"]
    workers = [start("worker", *join, "--resources", resource) for resource in ("slot=1", "slot=1", "other=1")]
    with distributed.Client(scheduler_file=str(file), timeout=60) as client:
        client.wait_for_workers(3, timeout=60)
    yield file
    for process in (*workers, scheduler):
        process.terminate()
        process.wait()


@pytest.fixture
def executor(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskExecutor]:
    monkeypatch.setattr(dask, "_POLL", 0.1)
    with DaskExecutor(str(file)) as executor:
        with pytest.warns(RuntimeWarning, match="it offers no resource slot; start it"):
            look_until(executor, lambda: len(executor.slots) == 2 and len(executor._workers) == 3)
        yield executor


def look_until(executor: DaskExecutor, condition: Callable[[], bool]) -> None:
    """Look at the slots again and again, as a driver does."""
    while not condition():
        assert executor.slots is not None
        time.sleep(0.1)


def test_results_messages_and_errors_come_back(executor: DaskExecutor) -> None:
    seen: list[int] = []
    task = executor.submit(count, 3, key="a", on_message=seen.append)
    assert task.result(30) == 3
    assert seen == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        executor.submit(divide, 0, key="b").result(30)
    assert executor.submit(divide, 2, key="b").result(30) == 0.5


def test_it_passes_the_kit(executor: DaskExecutor, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the worker without the resource
        assert failures(ExecutorTests, DaskExecutor, {"scheduler": str(file)}) == {}


def test_tasks_run_in_the_workers_that_offer_the_resource(executor: DaskExecutor) -> None:
    found = [executor.submit(place, key=str(number)) for number in range(8)]
    places = [task.result(30) for task in found]
    assert len({process for _, _, process in places}) == 2
    assert os.getpid() not in {process for _, _, process in places}
    assert {threads for _, threads, _ in places} == {executor.slots[0].threads}


def test_a_task_is_stopped_by_its_key(executor: DaskExecutor) -> None:
    begun: list[str] = []
    task = executor.submit(until_stopped, key="a", on_message=begun.append)
    while not begun:
        time.sleep(0.05)
    executor.stop("a", "pruned")
    assert task.result(30) == "pruned"
    assert executor.submit(count, 1, key="a").result(30) == 1


def test_workers_that_do_not_fit_are_named_and_get_no_other_task(executor: DaskExecutor) -> None:
    executor.submit(unfit, key="a")
    with pytest.warns(RuntimeWarning, match="gets no cell: the code of toonlab differs from the study's"):
        look_until(executor, lambda: not executor.slots)
    executor.stop("a", "enough")
    assert not executor.slots


def test_a_task_that_comes_to_an_unknown_worker_is_sent_again(executor: DaskExecutor) -> None:
    known = dict(executor._workers)
    executor._workers = {}
    task = executor.submit(count, 2, key="a")  # to any worker
    executor._workers = known
    look_until(executor, task.done)
    assert task.result() == 2


def test_a_result_that_is_lost_on_its_way_is_made_again(
    executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker, or the scheduler, has gone between its end and its transfer."""
    fetch, lost = distributed.Future.result, []

    def result(future: distributed.Future) -> object:
        lost.append(future.key)
        if len(lost) == 1:
            raise OSError("connection lost")
        return fetch(future)

    monkeypatch.setattr(distributed.Future, "result", result)
    task = executor.submit(count, 2, key="a")
    look_until(executor, task.done)
    assert (task.result(), len(lost)) == (2, 2)


def test_messages_come_back_after_a_connection_was_lost(executor: DaskExecutor) -> None:
    """The scheduler forgets what a client has subscribed to, and Dask does not say so again."""
    assert executor.submit(count, 3, key="a").result(30) == 3
    executor._client.unsubscribe_topic(executor._session)
    seen: list[int] = []
    assert executor.submit(count, 3, key="a", on_message=seen.append).result(30) == 3
    assert seen == [0, 1, 2]


def test_a_sign_of_life_is_given_while_nobody_looks(executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "_ALIVE", 0.1)
    with DaskExecutor(executor.scheduler) as other:
        keys = ["toonlab", other._session]
        until = time.monotonic() + 30
        while not (sign := other._client.get_metadata(keys, default=None)) and time.monotonic() < until:
            time.sleep(0.05)
        while other._client.get_metadata(keys, default=None) == sign and time.monotonic() < until:
            time.sleep(0.05)
        assert time.monotonic() < until


def test_what_a_nanny_sets_does_not_slow_a_cell_down(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dask_settings.get("distributed.nanny.pre-spawn-environ")
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    drop_settings()
    assert given.keys() & os.environ.keys() == {"OMP_NUM_THREADS"}


@pytest.mark.filterwarnings("ignore:Port 8787 is already in use", "ignore:unclosed")  # by the scheduler of other tests
def test_workers_started_here_have_this_environment() -> None:
    before = dict(os.environ)
    with DaskExecutor(jobs=1, device="cpu") as executor:
        look_until(executor, lambda: len(executor.slots) == 1)
        assert executor.slots[0].threads == cores()
        found = executor.submit(settings, key="a").result(60)
    assert found == {name: before.get(name, "") for name in found}
    assert {name: os.environ.get(name, "") for name in found} == found


def test_a_scheduler_that_is_not_there_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "_CONNECT", 1.0)
    with pytest.raises(ToonlabError, match=r"--scheduler tcp://127.0.0.1:1: no Dask scheduler there: ") as caught:
        DaskExecutor("tcp://127.0.0.1:1").__enter__()
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told_before_anything_else() -> None:
    with pytest.raises(ToonlabError, match=r"--scheduler lost\.json: no such file, and no address such as tcp://HOST"):
        DaskExecutor("lost.json")


def test_jobs_are_a_matter_of_the_workers() -> None:
    with pytest.raises(ToonlabError, match="--jobs 2: the workers of the scheduler decide; leave it out"):
        DaskExecutor("tcp://127.0.0.1:1", jobs=2)
    assert issubclass(UnfitSlotError, ToonlabError)
