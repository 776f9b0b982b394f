"""The executor of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from tasks import count, divide, place, until_stopped

from toonlab import ToonlabError
from toonlab_executors.local import LocalExecutor, cores, local_slots, visible_gpus


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(jobs=2, device="cpu") as executor:
        yield executor


def test_results_messages_and_errors_come_back(executor: LocalExecutor) -> None:
    seen: list[int] = []
    assert executor.submit(count, 3, key="a", on_message=seen.append).result() == 3
    assert seen == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        executor.submit(divide, 0, key="b").result()
    assert executor.submit(divide, 2, key="b").result() == 0.5


def test_a_task_is_stopped_by_its_key(executor: LocalExecutor) -> None:
    begun: list[str] = []
    tasks: list[Future[str]] = [executor.submit(until_stopped, key=key, on_message=begun.append) for key in "ab"]
    while len(begun) < 2:
        time.sleep(0.01)
    executor.stop("a", "pruned")
    assert tasks[0].result() == "pruned"
    assert not tasks[1].done()
    executor.stop("b", "enough")
    assert tasks[1].result() == "enough"


def test_a_key_that_was_stopped_may_be_used_again(executor: LocalExecutor) -> None:
    executor.stop("a", "pruned")
    assert executor.submit(count, 1, key="a").result() == 1


def test_each_task_has_one_of_the_slots(executor: LocalExecutor) -> None:
    hosts = {executor.submit(place, key=str(number)).result()[:2] for number in range(4)}
    assert hosts == {(executor.slots[0].host, executor.slots[0].threads)}


# -- devices

HERE = socket.gethostname()


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-8932f937")


def test_each_job_on_the_cpu_has_its_part_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5})
    (one,) = local_slots(None, "cpu")
    assert (one.host, one.device, one.gpus, one.threads) == (HERE, "cpu", (), 3)
    assert [slot.threads for slot in local_slots(2, "cpu")] == [1, 1]
    assert [slot.threads for slot in local_slots(3, "cpu")] == [1, 1, 1]
    with pytest.raises(ToonlabError, match=r"--jobs 4: more than this machine has cores \(3\)"):
        local_slots(4, "cpu")


def test_only_usable_cores_count() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
    code += "from toonlab_executors.local import cores; print(cores())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "1\n"
    assert cores() >= 1


@pytest.mark.usefixtures("two_gpus")
def test_gpus_are_taken_in_turn() -> None:
    assert [slot.gpus for slot in local_slots(None, "auto")] == [("3",), ("GPU-8932f937",)]
    assert [slot.gpus for slot in local_slots(3, "cuda")] == [("3",), ("GPU-8932f937",), ("3",)]
    assert [slot.gpus for slot in local_slots(2, "cuda:1")] == [("GPU-8932f937",)] * 2
    assert {slot.device for slot in local_slots(None, "auto")} == {"cuda"}
    assert [slot.device for slot in local_slots(None, "cpu")] == ["cpu"]


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("device", ["cuda:2", "cuda:x"])
def test_a_gpu_that_is_not_there_is_told(device: str) -> None:
    with pytest.raises(ToonlabError, match=rf"--device {device}: no such GPU \(number of GPUs here: 2\)"):
        visible_gpus(device)


@pytest.mark.parametrize(
    ("visible", "found"),
    [("", []), ("-1", []), ("NoDevFiles", []), ("MIG-1, MIG-2", ["MIG-1", "MIG-2"]), ("0", ["0"])],
)
def test_mig_slices_and_uuids_are_devices_of_their_own(
    visible: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus("auto") == found


def test_a_machine_without_gpus_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus("auto") == []
    with pytest.raises(ToonlabError, match=r"--device cuda: no such GPU \(number of GPUs here: 0\)"):
        visible_gpus("cuda")


NVML = """
NVML_DEVICE_MIG_ENABLE = 1
class NVMLError(Exception): ...
def nvmlInit(): ...
def nvmlShutdown(): ...
def nvmlDeviceGetCount(): return 3
def nvmlDeviceGetHandleByIndex(number): return number
def nvmlDeviceGetMigMode(gpu):
    if gpu == 0: raise NVMLError("not supported")
    return (gpu - 1, gpu - 1)
def nvmlDeviceGetMaxMigDeviceCount(gpu): return 3
def nvmlDeviceGetMigDeviceHandleByIndex(gpu, place):
    if place == 1: raise NVMLError("not found")
    return (gpu, place)
def nvmlDeviceGetUUID(device): return f"MIG-{device[0]}-{device[1]}"
"""


def test_gpus_and_their_slices_are_found_by_nvml(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A pretended driver: a GPU without MIG, one with MIG switched off, and one with two slices."""
    folder = tmp_path_factory.mktemp("driver")
    (folder / "pynvml.py").write_text(NVML)
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    code += "from toonlab_executors.local import visible_gpus; print(*visible_gpus('auto'))"
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.split() == ["0", "1", "MIG-2-0", "MIG-2-2"]
