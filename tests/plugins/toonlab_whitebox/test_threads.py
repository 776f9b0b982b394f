from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from toonlab_whitebox import threads
from toonlab_whitebox.adaptive import adaptive


def test_the_same_however_many_threads(images, monkeypatch):
    pictures = images[:3, :, :96, :96]
    together = threads.start(adaptive, pictures)()
    monkeypatch.setattr(threads, "cores", lambda: 1)
    assert torch.equal(threads.start(adaptive, pictures)(), together)
    assert together.shape == (3, 96, 96)
    assert together.dtype == torch.int64


def test_pictures_are_worked_on_at_once_beside_the_caller(monkeypatch):
    """Each waits for the others and for the caller, who goes on meanwhile."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
    threads._pool.cache_clear()
    meeting = threading.Barrier(3, timeout=60)

    def work(picture: np.ndarray) -> np.ndarray:
        meeting.wait()
        return picture[..., 0].astype(np.int64)

    wait = threads.start(work, torch.arange(2.0).view(2, 1, 1, 1))
    meeting.wait()
    assert wait().flatten().tolist() == [0, 1]
    threads._pool.cache_clear()


def test_an_error_reaches_the_caller():
    def fail(picture: np.ndarray) -> np.ndarray:
        raise ValueError("no such picture")

    wait = threads.start(fail, torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match="no such picture"):
        wait()


def test_an_interrupt_while_waiting_ends_the_process():
    """As Ctrl-C does to a training: what has begun is finished, nothing is left, and nothing is said but the cause."""
    program = """
import os, signal, threading, time
import numpy as np, torch
from toonlab_whitebox.threads import start

ready = threading.Event()

def work(picture):
    ready.wait()
    time.sleep(0.3)
    if picture.max() > 0:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.3)
    return picture[..., 0].astype(np.int64)

wait = start(work, torch.tensor([0.0, 1.0]).view(2, 1, 1, 1))
print("waiting", flush=True)
ready.set()
wait()
print("not reached")
"""
    command = [sys.executable, "-W", "error", "-c", program]
    if threads.cores() == 1:
        pytest.skip("with one core nothing waits")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "waiting\n"
    assert done.stderr.strip().endswith("KeyboardInterrupt")
    assert done.returncode in (1, 130, -2)
