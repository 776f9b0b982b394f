"""The devices and threads of a study's jobs."""

from __future__ import annotations

import os

import pytest
import torch

from toonlab.errors import ToonlabError
from toonlab.studies.executors.options import ExecutionOptions, threads_of


def test_each_job_has_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert ExecutionOptions(device="cpu").devices == ["cpu"]
    assert ExecutionOptions(device="cpu", jobs=3).devices == ["cpu"] * 3
    with pytest.raises(ToonlabError, match="--jobs 4: this machine has 3 cores; each job needs one at least"):
        _ = ExecutionOptions(device="cpu", jobs=4).devices


def test_gpus_are_taken_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toonlab.studies.executors.options.pick_device", torch.device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert ExecutionOptions(device="cuda").devices == ["cuda:0", "cuda:1"]
    assert ExecutionOptions(device="cuda", jobs=3).devices == ["cuda:0", "cuda:1", "cuda:0"]
    assert ExecutionOptions(device="cuda:1", jobs=2).devices == ["cuda:1", "cuda:1"]


@pytest.mark.usefixtures("two_threads")
def test_jobs_on_one_cpu_share_its_threads() -> None:
    assert threads_of(["cpu"]) is None
    assert threads_of(["cpu", "cpu"]) == 1
    assert threads_of(["cpu"] * 5) == 1
    assert threads_of(["cuda:0", "cuda:1"]) is None
