"""The executor of a Dask scheduler, whose workers may be on any number of machines.

https://distributed.dask.org. The workers are stock ones: `dask worker tcp://HOST:8786 --nthreads 1 --resources slot=1`.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import uuid4

from pydantic import Field

from toonlab import Slot, ToonlabError, UnfitSlotError, first_line

from .devices import cores, local_slots, visible_gpus

if TYPE_CHECKING:
    import distributed

T = TypeVar("T")
_NAMESPACE = "toonlab"  # of the scheduler's metadata
_CONNECT = 10.0  # seconds that a scheduler may take to answer
_RECONNECT = 3.0  # likewise, when it is back; signals wait as long
_RETRY = 5.0  # seconds between two attempts to reach a scheduler that is away
_ALIVE = 5.0  # seconds between two signs of life of this program
_GONE = 60.0  # seconds without one after which tasks end
_LOOK = 1.0  # seconds between two looks at the workers
_POLL = 2.0  # seconds between two looks of a task at what this program says


class DaskExecutor:
    """Runs tasks on the workers of a Dask scheduler that offer a resource.

    A task is run again elsewhere if its worker is lost, and all of them if the scheduler is. Tasks end when this
    program is gone for a minute.

    Args:
        scheduler: its address, `tcp://HOST:8786`, or the file that it writes; without one, workers are started here.
        jobs: of the workers started here; by default one for each GPU, or one on a CPU.
        device: `auto` (the GPU of a worker that has one), `cpu`, `cuda`, …
        resource: of which a task takes one: `slot`, or `GPU`.

    Raises:
        ToonlabError: if Dask is not installed, or jobs are given with a scheduler.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        jobs: Annotated[int | None, Field(gt=0)] = None,
        device: str = "auto",
        resource: str = "slot",
    ) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise ToonlabError("executor dask: needs Dask: pip install 'toonlab[dask]'") from error
        if scheduler and jobs:
            raise ToonlabError(f"--jobs {jobs}: the workers of the scheduler decide; leave it out")
        self.scheduler, self.device, self.resource = scheduler, device, resource
        self._own = [] if scheduler else local_slots(jobs, device)
        self._session = uuid4().hex
        self._workers: dict[str, _Worker] = {}
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.RLock()
        self._unfit: SimpleQueue[_UnfitWorkerError] = SimpleQueue()
        self._last_sign = self._last_attempt = self._last_look = 0.0
        self._numbers = count()
        self._away = True  # until the first connection
        self._waits = False  # for a first worker

    def __enter__(self) -> DaskExecutor:
        import distributed

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # this class tells of an absent scheduler
        self._cluster: distributed.LocalCluster | None = None
        if not self.scheduler:
            self._cluster = distributed.LocalCluster(
                n_workers=len(self._own), threads_per_worker=1, resources={self.resource: 1}, dashboard_address=":8787"
            )
        try:
            self._connect()
        except (OSError, ValueError) as error:
            text = f"--scheduler {self.scheduler}: no Dask scheduler there: {first_line(error)}"
            raise ToonlabError(f"{text}; start one with `dask scheduler`") from error
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()
        if self._cluster:
            self._cluster.close()

    @property
    def slots(self) -> Sequence[Slot]:
        """Those of all workers that offer the resource; none while the scheduler is away."""
        if not self._connected():
            return []
        self._show_life()
        self._look_at_workers()
        self._move_stranded()
        with self._lock:
            return [slot for address, slot in self._slots().items() for _ in range(self._workers[address].count)]

    def submit(
        self,
        function: Callable[..., T],
        /,
        *arguments: Any,
        key: str,
        priority: int = 0,
        on_message: Callable[[Any], None] = lambda _: None,
    ) -> Future[T]:
        """Run a task on a worker that offers the resource."""
        task = _Task(key, partial(function, *arguments), priority, on_message)
        task.result.set_running_or_notify_cancel()
        with self._lock:
            self._tasks[key] = task
            self._send(task)
        return task.result

    def stop(self, key: str, reason: str) -> None:
        with self._lock:
            if (task := self._tasks.get(key)) is None:
                return
            task.stop = reason
        self._show_life(now=True)

    # -- tasks

    def _send(self, task: _Task) -> None:
        """Submit a task to the workers that are known now.

        The scheduler unpickles a task's arguments; bytes spare it the imports.
        """
        import cloudpickle

        slots = self._slots()
        task.workers, task.lost = frozenset(slots), False
        task.future = self._client.submit(
            _call,
            cloudpickle.dumps((task.work, slots)),
            task.key,
            self._session,
            key=f"{task.key}/{self._session[:6]}-{next(self._numbers)}",  # Dask returns the old result of a known key
            workers=list(slots),
            resources={self.resource: 1},
            priority=task.priority,
            pure=False,
        )
        task.future.add_done_callback(partial(self._done, task))

    def _done(self, task: _Task, future: distributed.Future[Any]) -> None:
        """In a thread of Dask's: a task has ended, or is lost with its scheduler."""
        with self._lock:
            if task.future is not future:
                return
            if future.status == "cancelled":
                task.lost = True
            elif future.status == "error":
                self._failed(task, future)
            else:
                self._finish(task, future.result())

    def _failed(self, task: _Task, future: distributed.Future[Any]) -> None:
        error = future.exception()
        if isinstance(error, _UnfitWorkerError):
            self._unfit.put(error)
            task.lost = True
        elif isinstance(error, _LeavingWorkerError):
            task.lost = True
        elif type(error).__name__ == "KilledWorker":
            self._finish(task, error=ToonlabError("the workers that ran it died, several times; perhaps of memory"))
        else:
            self._finish(task, error=error)

    def _finish(self, task: _Task, result: Any = None, error: BaseException | None = None) -> None:
        self._tasks.pop(task.key, None)
        task.release()
        if error is not None:
            task.result.set_exception(error)
        else:
            task.result.set_result(result)

    def _move_stranded(self) -> None:
        """Submit tasks again that are lost, or whose workers are all gone."""
        with self._lock:
            able = self._slots().keys()
            for task in list(self._tasks.values()):
                stranded = task.lost or not task.workers & able
                if stranded and task.stop:
                    self._finish(task, error=CancelledError())
                elif stranded and able:
                    task.release()
                    self._send(task)

    def _connected(self) -> bool:
        """Whether the scheduler is there; it is tried again from time to time."""
        status, now = self._client.status, time.monotonic()
        if status == "running" and not self._away:
            return True
        if status == "closed" and now - self._last_attempt > _RETRY:
            self._last_attempt = now
            with suppress(OSError, ValueError):
                self._connect(_RECONNECT)
        if self._client.status != "running":
            if not self._away:
                self._away = True
                warnings.warn(f"the scheduler {self._address} is away; waiting for it", RuntimeWarning, stacklevel=3)
            with self._lock:
                for task in list(self._tasks.values()):
                    if task.stop:
                        self._finish(task, error=CancelledError())
            return False
        self._away = False
        self._workers = {}
        self._client.subscribe_topic(self._session, self._on_event)
        return True

    def _connect(self, timeout: float = _CONNECT) -> None:
        import distributed

        if self._cluster:
            self._client = distributed.Client(self._cluster, timeout=timeout)
        elif Path(self.scheduler or "").is_file():
            self._client = distributed.Client(scheduler_file=self.scheduler, timeout=timeout)
        else:
            self._client = distributed.Client(self.scheduler, timeout=timeout)
        self._address = str(self._client.scheduler_info()["address"])

    def _on_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """In Dask's own thread: a task has sent a message."""
        if task := self._tasks.get(event[1]["key"]):
            task.on_message(pickle.loads(event[1]["message"]))

    def _show_life(self, *, now: bool = False) -> None:
        """Tell the tasks that this program is there, and which of them are to end."""
        if self._client.status != "running":  # a call would wait for the scheduler
            return
        if now or time.monotonic() - self._last_sign > _ALIVE:
            self._last_sign = time.monotonic()
            stops = {task.key: task.stop for task in list(self._tasks.values()) if task.stop}
            with suppress(OSError, ValueError):  # of a scheduler that has just gone
                self._client.set_metadata([_NAMESPACE, self._session], {"sign": self._last_sign, "stops": stops})

    # -- workers

    def _slots(self) -> dict[str, Slot]:
        """The slot of each worker that offers any, with its part of the cores of its host."""
        able = {address: worker for address, worker in self._workers.items() if worker.count}
        on_host = Counter[str]()
        for worker in able.values():
            on_host[worker.slot.host] += worker.count
        return {
            address: replace(worker.slot, threads=max(1, worker.cores // on_host[worker.slot.host]))
            for address, worker in able.items()
        }

    def _look_at_workers(self) -> None:
        """Get to know workers that have joined, and forget those that have left."""
        while not self._unfit.empty():
            error = self._unfit.get()
            self._exclude(error.address, error.text)
        if time.monotonic() - self._last_look < _LOOK and self._workers:
            return
        self._last_look = time.monotonic()
        info = self._client.scheduler_info(n_workers=-1)["workers"]
        with self._lock:
            self._workers = {address: worker for address, worker in self._workers.items() if address in info}
        for address in info.keys() - self._workers.keys():
            try:
                worker = self._introduce(address, info[address])
            except ToonlabError as error:
                self._exclude(address, str(error))
                continue
            with self._lock:
                self._workers[address] = worker
        if not any(worker.count for worker in self._workers.values()) and not self._waits:
            text = (
                f"no worker: start some with `dask worker {self._address} --nthreads 1 --resources {self.resource}=1`"
            )
            warnings.warn(text, RuntimeWarning, stacklevel=3)
            self._waits = True

    def _introduce(self, address: str, info: Mapping[str, Any]) -> _Worker:
        number = int(info.get("resources", {}).get(self.resource, 0))
        if not number:
            raise ToonlabError(f"it offers no resource {self.resource}; start it with --resources {self.resource}=1")
        answer = self._client.run(_describe, self.device, workers=[address], on_error="return").get(address)
        if isinstance(answer, BaseException) or answer is None:
            raise ToonlabError(f"toonlab does not work there: {first_line(answer) if answer else 'it has left'}")
        host, usable, gpus = answer
        name = str(info.get("name", ""))
        if self._own and name.isdigit():
            return _Worker(self._own[int(name) % len(self._own)], number, usable)
        device = "cuda" if gpus else "cpu" if self.device == "auto" else self.device
        return _Worker(Slot(host, device, gpus), number, usable)

    def _exclude(self, address: str, text: str) -> None:
        with self._lock:
            self._workers[address] = _Worker(Slot(address), 0, 0)
        warnings.warn(f"worker {address} gets no cell: {text}", RuntimeWarning, stacklevel=3)


@dataclass(frozen=True)
class _Worker:
    """A worker: its slot, and how many of it; none if it can't run the study's tasks."""

    slot: Slot
    count: int
    cores: int


@dataclass
class _Task:
    """A task that has not ended; `lost`: no worker has it."""

    key: str
    work: Callable[..., Any]
    priority: int
    on_message: Callable[[Any], None]
    result: Future[Any] = field(default_factory=Future)
    future: distributed.Future[Any] | None = None
    workers: frozenset[str] = frozenset()
    stop: str | None = None
    lost: bool = False

    def release(self) -> None:
        """Let Dask forget it."""
        future, self.future = self.future, None
        if future is not None:
            future.release()


# -- on a worker


class _UnfitWorkerError(Exception):
    def __init__(self, address: str, text: str) -> None:
        super().__init__(address, text)
        self.address, self.text = address, text


class _LeavingWorkerError(Exception):
    """The worker was stopped while it ran a task, which has ended early."""


def _describe(device: str) -> tuple[str, int, tuple[str, ...]]:
    """The host, the cores and the GPU of a worker."""
    gpus = visible_gpus(device)
    if len(gpus) > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
        raise ToonlabError(
            f"it sees {len(gpus)} GPUs; start a worker for each with CUDA_VISIBLE_DEVICES, or use dask cuda"
        )
    return socket.gethostname(), cores(), tuple(gpus[:1])  # dask cuda names the worker's own first


def _call(packed: bytes, key: str, session: str) -> Any:
    from distributed import get_worker

    address = get_worker().address
    try:
        work, slots = pickle.loads(packed)
    except Exception as error:
        raise _UnfitWorkerError(address, f"the task can't be loaded there: {first_line(error)}") from None
    context = _Context(slots[address], key, session)
    try:
        result = work(context)
    except UnfitSlotError as error:
        raise _UnfitWorkerError(address, str(error)) from None
    if context.left:
        raise _LeavingWorkerError(address)
    return result


@dataclass
class _Context:
    """A `toonlab.TaskContext`."""

    slot: Slot
    key: str
    session: str
    _said: Mapping[str, Any] = field(default_factory=dict)
    _heard_at: float = field(default_factory=time.monotonic)
    _looked_at: float = 0.0
    left: bool = False

    def send(self, message: object) -> None:
        from distributed import get_worker

        get_worker().log_event(self.session, {"key": self.key, "message": pickle.dumps(message)})

    def stop_reason(self) -> str | None:
        """What the submitting program says, or that it is gone, or that this worker is about to end."""
        from distributed import get_worker

        if get_worker().status.name not in ("running", "paused"):
            self.left = True
            return "its worker was stopped"
        now = time.monotonic()
        if now - self._looked_at > _POLL:
            self._looked_at = now
            if (said := self._ask()) and said != self._said:
                self._said, self._heard_at = said, now
        if now - self._heard_at > _GONE:
            return "the study that started it is gone"
        reason: str | None = self._said.get("stops", {}).get(self.key)
        return reason

    def _ask(self) -> Mapping[str, Any] | None:
        from distributed import get_client

        with suppress(OSError, ValueError):  # the scheduler is gone: this worker ends soon
            said: Mapping[str, Any] = get_client().get_metadata([_NAMESPACE, self.session], default=None)
            return said
        return None
