"""The executor of a Dask scheduler, whose workers may be on any number of machines.

https://distributed.dask.org. The workers are stock ones: `dask worker tcp://HOST:8786 --nthreads 1 --resources slot=1`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import socket
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import uuid4

from pydantic import Field

from toonlab import Slot, ToonlabError, UnfitSlotError, first_line

from .local import cores, local_slots, visible_gpus

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
        if scheduler and ":" not in scheduler and not Path(scheduler).is_file():
            raise ToonlabError(f"--scheduler {scheduler}: no such file, and no address such as tcp://HOST:8786")
        if scheduler and jobs:
            raise ToonlabError(f"--jobs {jobs}: the workers of the scheduler decide; leave it out")
        self.scheduler, self.device, self.resource = scheduler, device, resource
        self._own = [] if scheduler else local_slots(jobs, device)
        self._cluster: distributed.LocalCluster | None = None
        self._client: Any = None  # a distributed.Client, once connected
        self._session = uuid4().hex
        self._workers: dict[str, list[Slot]] = {}  # with all cores of their host; none of a worker that gets no task
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.RLock()
        self._numbers = count()
        self._notices: SimpleQueue[str] = SimpleQueue()
        self._last_attempt = self._last_look = 0.0
        self._away = self._waits = False  # the scheduler; for a first worker
        self._closing = threading.Event()
        self._pulse = threading.Thread(target=self._show_life, daemon=True)

    def __enter__(self) -> DaskExecutor:
        import dask
        import distributed

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # this class tells of an absent scheduler
        if not self.scheduler:
            with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):  # see `drop_settings`; and threads
                self._cluster = distributed.LocalCluster(
                    n_workers=len(self._own),
                    threads_per_worker=1,
                    resources={self.resource: 1},
                    dashboard_address=":8787",
                )
        try:
            self._connect(_CONNECT)
        except (OSError, ValueError) as error:
            text = f"--scheduler {self.scheduler}: no Dask scheduler there: {first_line(error)}"
            raise ToonlabError(f"{text}; start one with `dask scheduler`") from error
        self._pulse.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._pulse.join(_CONNECT)
        self._client.close()
        if self._cluster:
            self._cluster.close()

    @property
    def slots(self) -> Sequence[Slot]:
        """Those of all workers that offer the resource; none while the scheduler is away."""
        if self._connected():
            with self._errors_of_absence():
                self._look_at_workers()
        else:
            self._workers = {}
        self._move_stranded()
        while not self._notices.empty():
            warnings.warn(self._notices.get(), RuntimeWarning, stacklevel=2)
        with self._lock:
            return [slot for own in self._slots().values() for slot in own]

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
        if task := self._tasks.get(key):
            task.stop = reason
            self._say()

    # -- tasks

    def _send(self, task: _Task) -> None:
        """Submit a task: to any worker, or to those known to fit if some do not.

        The scheduler unpickles a task's arguments; bytes spare it the imports.
        """
        import cloudpickle

        slots = self._slots()
        task.release()
        task.lost, task.workers = True, frozenset(slots if len(slots) < len(self._workers) else ())
        with self._errors_of_absence():
            self._client.subscribe_topic(self._session, self._on_event)  # a scheduler forgets it with a connection
            task.future = self._client.submit(
                _call,
                cloudpickle.dumps((task.work, slots)),
                task.key,
                self._session,
                key=f"{task.key}/{self._session[:6]}-{next(self._numbers)}",  # of a known key it returns the old result
                workers=list(task.workers) or None,
                resources={self.resource: 1},
                priority=task.priority,
                pure=False,
            )
            task.lost = False
            task.future.add_done_callback(partial(self._done, task))

    def _done(self, task: _Task, future: distributed.Future[Any]) -> None:
        """In a thread of Dask's: a task has ended, or is lost with its worker or scheduler."""
        error = future.exception() if future.status == "error" else None
        result = None
        if future.status == "finished":
            try:
                result = future.result()  # without the lock: it comes from the worker, and may take long
            except Exception:
                error = _NotRunError("")
        with self._lock:
            if task.future is not future:
                return
            if isinstance(error, _NotRunError) or future.status == "cancelled":
                task.lost = True
                if error and error.unfit:
                    self._exclude(error.address, error.unfit)
            elif type(error).__name__ == "KilledWorker":
                self._finish(task, error=ToonlabError("the workers that ran it died, several times; perhaps of memory"))
            else:
                self._finish(task, result, error)

    def _finish(self, task: _Task, result: Any = None, error: BaseException | None = None) -> None:
        del self._tasks[task.key]
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
                stranded = task.lost or not able or (task.workers and not task.workers & able)
                if stranded and task.stop:
                    self._finish(task, error=CancelledError())
                elif stranded and able:
                    self._send(task)

    def _on_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """In a thread of Dask's: a task has sent a message."""
        if task := self._tasks.get(event[1]["key"]):
            task.on_message(pickle.loads(event[1]["message"]))

    # -- the scheduler

    def _connect(self, timeout: float) -> None:
        import distributed

        file = self.scheduler if Path(self.scheduler or "").is_file() else None
        address = None if file else self._cluster or self.scheduler
        self._client = distributed.Client(address, scheduler_file=file, timeout=timeout)
        self._address = str(self._client.scheduler_info()["address"])

    def _connected(self) -> bool:
        """Whether the scheduler is there; it is tried again from time to time."""
        if self._client is None:
            return False
        if self._client.status == "closed" and time.monotonic() - self._last_attempt > _RETRY:
            self._last_attempt = time.monotonic()
            with suppress(OSError, ValueError):
                self._connect(_RECONNECT)
        away = self._client.status != "running"
        if away and not self._away:
            self._notices.put(f"the scheduler {self._address} is away; waiting for it")
        self._away = away
        return not away

    @contextmanager
    def _errors_of_absence(self) -> Iterator[None]:
        """Ignore the errors of a scheduler that has just gone."""
        try:
            yield
        except OSError:
            pass
        except Exception:
            if self._client.status == "running":
                raise

    def _show_life(self) -> None:
        """In a thread: tell the tasks from time to time that this program is there, even while it does other work."""
        while not self._closing.wait(_ALIVE):
            self._say()

    def _say(self) -> None:
        """Tell the tasks that this program is there, and which of them are to end."""
        if self._client.status != "running":  # a call would wait for the scheduler
            return
        stops = {task.key: task.stop for task in list(self._tasks.values()) if task.stop}
        with self._errors_of_absence():
            self._client.set_metadata([_NAMESPACE, self._session], {"sign": time.monotonic(), "stops": stops})

    # -- workers

    def _slots(self) -> dict[str, list[Slot]]:
        """The slots of each worker that offers any, each with its part of the cores of its host."""
        on_host = Counter(slot.host for own in self._workers.values() for slot in own)
        return {
            address: [replace(slot, threads=max(1, slot.threads // on_host[slot.host])) for slot in own]
            for address, own in self._workers.items()
            if own
        }

    def _look_at_workers(self) -> None:
        """Get to know workers that have joined, and forget those that have left."""
        if time.monotonic() - self._last_look < _LOOK and self._workers:
            return
        self._last_look = time.monotonic()
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        with self._lock:
            self._workers = {address: own for address, own in self._workers.items() if address in found}
        self._introduce({address: info for address, info in found.items() if address not in self._workers})
        if not any(self._workers.values()) and not self._waits:
            command = f"dask worker {self._address} --nthreads 1 --resources {self.resource}=1"
            self._notices.put(f"no worker: start some with `{command}`")
            self._waits = True

    def _introduce(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        """Get to know new workers, all at once: address -> what the scheduler knows of each."""
        numbers = {address: int(info.get("resources", {}).get(self.resource, 0)) for address, info in found.items()}
        answers: dict[str, Any] = {
            address: replace(self._own[int(info["name"]) % len(self._own)], threads=cores())
            for address, info in found.items()
            if self._own and str(info["name"]).isdigit()
        }
        if asked := [address for address, number in numbers.items() if number and address not in answers]:
            answers |= self._client.run(_describe, self.device, workers=asked, on_error="return")
        for address, number in numbers.items():
            answer = answers.get(address)
            if not number:
                text = f"it offers no resource {self.resource}; start it with --resources {self.resource}=1"
                self._exclude(address, text)
            elif isinstance(answer, Slot):
                self._workers[address] = [answer] * number
            elif answer and not isinstance(answer, OSError):  # of one that can't be reached: it is asked again
                self._exclude(address, f"toonlab does not work there: {first_line(answer)}")

    def _exclude(self, address: str, text: str) -> None:
        self._workers[address] = []
        self._notices.put(f"worker {address} gets no cell: {text}")


@dataclass
class _Task:
    """A task that has not ended; `workers`: those that may run it, if not any may; `lost`: no worker has it."""

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


class _NotRunError(Exception):
    """A worker has not run a task to its end: it is leaving, does not know its slot yet, or is unfit for a reason."""

    def __init__(self, address: str, unfit: str = "") -> None:
        super().__init__(address, unfit)
        self.address, self.unfit = address, unfit


async def _describe(device: str) -> Slot:
    """The slot of a worker; in a thread, since its imports would keep the worker from answering the scheduler."""
    return await asyncio.to_thread(_slot_here, device)


def _slot_here(device: str) -> Slot:
    """The slot of this worker, with all cores of its host."""
    gpus = visible_gpus(device)
    if len(gpus) > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
        raise ToonlabError(
            f"it sees {len(gpus)} GPUs; start a worker for each with CUDA_VISIBLE_DEVICES, or use dask cuda"
        )
    kind = "cuda" if gpus else "cpu" if device == "auto" else device
    return Slot(socket.gethostname(), kind, tuple(gpus[:1]), cores())  # dask cuda names the worker's own first


def drop_settings() -> None:
    """Remove settings of Dask's nanny before a cell's process inherits them; `OMP_NUM_THREADS` stays.

    The first halves a training's speed on a CPU, the others would keep it to one thread in any case.
    """
    for name in ("MALLOC_TRIM_THRESHOLD_", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(name, None)


def _call(packed: bytes, key: str, session: str) -> Any:
    from distributed import get_worker

    address = get_worker().address
    drop_settings()
    try:
        work, slots = pickle.loads(packed)
    except Exception as error:
        raise _NotRunError(address, f"the task can't be loaded there: {first_line(error)}") from None
    if address not in slots:
        raise _NotRunError(address)
    context = _Context(slots[address][0], key, session)
    try:
        result = work(context)
    except UnfitSlotError as error:
        raise _NotRunError(address, str(error)) from None
    if context.left:
        raise _NotRunError(address)
    return result


@dataclass
class _Context:
    """A `toonlab.TaskContext`; `left`: the task was to end for a reason that is not of the submitting program."""

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

        now = time.monotonic()
        if now - self._looked_at > _POLL:
            self._looked_at = now
            if (said := self._ask()) and said != self._said:
                self._said, self._heard_at = said, now
        leaving = get_worker().status.name not in ("running", "paused")
        self.left = self.left or leaving or now - self._heard_at > _GONE
        if self.left:
            return "its worker was stopped" if leaving else "the study that started it is gone"
        reason: str | None = self._said.get("stops", {}).get(self.key)
        return reason

    def _ask(self) -> Mapping[str, Any] | None:
        from distributed import get_client

        with suppress(OSError, ValueError):  # the scheduler is gone: this worker ends soon
            said: Mapping[str, Any] = get_client().get_metadata([_NAMESPACE, self.session], default=None)
            return said
        return None
