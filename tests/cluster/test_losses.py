"""Workers, the driver and the scheduler are killed in the middle of forty cells: every cell counts once."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, finished, numbers, said, weights, while_running, worker_process
from mlflow import MlflowClient

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
Start = Callable[..., Any]


@pytest.fixture
def start(cluster: Cluster, studies: Path, toonlab: Callable[..., Any]) -> Start:
    """`start("forty")` starts the driver of that study."""

    def run(study: str) -> Any:
        tracking = f"sqlite:///{studies / 'mlflow.db'}"
        arguments = ["--scheduler", cluster.address, "--runs", studies / "runs", "--tracking-uri", tracking]
        return toonlab("compare", f"{study}.yaml", *arguments)

    return run


def check_study(study: str, driver: Any, studies: Path, local: Callable[[str], Path]) -> None:
    """Every cell has ended once, with the numbers and weights of one machine to the bit, and is in MLflow once."""
    directory = studies / "runs" / study
    assert sorted(Counter(finished(driver)).values()) == [1] * len(numbers(directory))
    assert numbers(directory) == numbers(local(study))
    assert weights(directory) == weights(local(study))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, at MLflow
        client = MlflowClient(f"sqlite:///{studies / 'mlflow.db'}")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, max_results=1000)
    cells = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert Counter(run.info.run_name for run in cells) == Counter(dict.fromkeys(numbers(directory), 1))
    assert {run.info.status for run in cells} == {"FINISHED"}
    for run in cells:
        measured = {f"test/{name}": value for name, value in numbers(directory)[run.info.run_name].items()}
        assert {name: run.data.metrics[name] for name in measured} == measured


def test_workers_are_killed_stopped_and_join(cluster: Cluster, studies: Path, start: Start, local: Any) -> None:
    workers = [cluster.start_worker(f"worker-{number}") for number in range(4)]
    driver = start("forty")
    while_running(driver, lambda: len(finished(driver)) >= 4)
    workers[0].kill()  # its machine fails
    while_running(driver, lambda: len(finished(driver)) >= 10)
    os.kill(worker_process(workers[1]), signal.SIGKILL)  # out of memory: its nanny starts it again
    while_running(driver, lambda: len(finished(driver)) >= 16)
    workers[2].terminate()
    cluster.start_worker("late")
    assert driver.wait(600) == 0, said(driver)
    workers[2].process.wait(60)
    assert len(finished(driver)) == 40
    check_study("forty", driver, studies, local)


def test_the_driver_is_killed_and_started_again(cluster: Cluster, studies: Path, start: Start, local: Any) -> None:
    for number in range(2):
        cluster.start_worker(f"worker-{number}")
    driver = start("twelve")
    while_running(driver, lambda: len(finished(driver)) >= 4)
    driver.kill()
    before = finished(driver)
    driver = start("twelve")
    assert driver.wait(600) == 0, said(driver)
    assert said(driver).count("finished before, not run again") >= len(before)
    assert len(finished(driver)) == 12
    check_study("twelve", driver, studies, local)


def test_the_scheduler_is_killed_and_started_again(cluster: Cluster, studies: Path, start: Start, local: Any) -> None:
    workers = [cluster.start_worker(f"worker-{number}") for number in range(2)]
    driver = start("twelve")
    while_running(driver, lambda: len(finished(driver)) >= 4)
    cluster.scheduler.kill()
    for worker in workers:
        worker.process.wait(120)  # a stock worker ends without its scheduler
    assert driver.running
    assert "is away; waiting for it" in said(driver)
    cluster.start_scheduler()
    for number in range(2):
        cluster.start_worker(f"again-{number}")
    assert driver.wait(600) == 0, said(driver)
    assert len(finished(driver)) == 12
    check_study("twelve", driver, studies, local)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_driver_whose_scheduler_is_away_can_be_stopped(cluster: Cluster, start: Start, number: int) -> None:
    worker = cluster.start_worker("worker")
    driver = start("twelve")
    while_running(driver, lambda: finished(driver))
    cluster.scheduler.kill()
    worker.process.wait(120)
    while_running(driver, lambda: "is away; waiting for it" in said(driver))
    began = time.monotonic()
    os.kill(driver.pid, number)
    assert driver.wait(60) == 128 + number
    assert time.monotonic() - began < 10
    assert said(driver).splitlines()[-1].endswith("the same command continues from there")
    assert "Traceback" not in said(driver)
