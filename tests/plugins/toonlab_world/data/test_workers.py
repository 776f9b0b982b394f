from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import psutil
import pytest

from toonlab import ToonlabError
from toonlab_world.data.workers import spread

CHUNKS = """
import os

def note(folder, indices):
    for index in indices:
        with open(os.path.join(folder, str(index)), "x") as file:  # "x": twice the same index would fail
            file.write(str(os.getpid()))

def inspect(file, indices):
    import sys, cv2
    from toonlab_world.data import shards  # what a rendering process imports
    with open(file, "a") as found:
        found.write(f"threads {cv2.getNumThreads()}, torch {'torch' in sys.modules}\\n")

def linger(folder, indices):
    import time
    open(os.path.join(folder, str(os.getpid())), "w").close()
    time.sleep(2)

def die(indices):
    os._exit(1)

def refuse(indices):
    from toonlab import ToonlabError
    raise ToonlabError("no room for these")
"""


@pytest.fixture
def chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Functions in a module that spawned processes can import, too."""
    (tmp_path / "world_test_chunks.py").write_text(CHUNKS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import world_test_chunks

    return world_test_chunks


@pytest.mark.parametrize(("count", "processes"), [(1, 1), (37, 1), (37, 2)])
def test_every_scene_is_worked_on_once(chunks, tmp_path, count, processes):
    folder = tmp_path / "done"
    folder.mkdir()
    spread(partial(chunks.note, str(folder)), count, 32, "testing", processes)
    assert {int(path.name) for path in folder.iterdir()} == set(range(count))


def test_small_work_stays_in_this_process_and_says_nothing(chunks, tmp_path, capsys):
    folder = tmp_path / "done"
    folder.mkdir()
    spread(partial(chunks.note, str(folder)), 10, 32, "testing")
    assert {path.read_text() for path in folder.iterdir()} == {str(os.getpid())}
    assert capsys.readouterr().err == ""


def test_long_work_says_in_one_line_what_it_does_where_there_is_no_terminal(chunks, tmp_path, capsys):
    folder = tmp_path / "done"
    folder.mkdir()
    spread(partial(chunks.note, str(folder)), 3, 2048, "rendering three", processes=1)
    assert capsys.readouterr().err == "rendering three\n"


def test_a_process_that_dies_is_an_error_of_one_line(chunks):
    with pytest.raises(ToonlabError, match=r"rendering process died.*__main__") as error:
        spread(chunks.die, 4, 32, "testing", processes=2)
    assert "\n" not in str(error.value)


def test_a_process_runs_opencv_on_one_thread_and_imports_no_torch(chunks, tmp_path):
    spread(partial(chunks.inspect, str(tmp_path / "found")), 4, 32, "testing", processes=2)
    assert set((tmp_path / "found").read_text().splitlines()) == {"threads 1, torch False"}


def test_the_number_of_threads_of_this_process_stays(chunks, tmp_path):
    before = cv2.getNumThreads()
    for processes in (1, 2):
        (tmp_path / str(processes)).mkdir()
        spread(partial(chunks.note, str(tmp_path / str(processes))), 4, 32, "testing", processes)
    assert cv2.getNumThreads() == before


SCRIPT = """
import sys
from functools import partial
import world_test_chunks
from toonlab_world.data.workers import spread
if __name__ == "__main__":
    spread(partial(world_test_chunks.linger, sys.argv[1]), 40, 32, "testing", processes=2)
"""


@pytest.mark.parametrize("kill", [os.killpg, os.kill])
def test_ctrl_c_or_the_end_of_the_parent_ends_all_processes(chunks, tmp_path, kill):
    folder = tmp_path / "pids"
    folder.mkdir()
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, str(tmp_path / "script.py"), str(folder)]
    with subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        until(lambda: len(list(folder.iterdir())) == 2)
        kill(process.pid, signal.SIGINT if kill is os.killpg else signal.SIGKILL)
        assert process.wait(60) != 0
    until(lambda: not any(psutil.pid_exists(int(path.name)) for path in folder.iterdir()))


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_an_error_in_a_process_arrives_here(chunks):
    with pytest.raises(ToonlabError, match="no room for these"):
        spread(chunks.refuse, 4, 32, "testing", processes=2)
