"""Searches that prune: the same trials by both executors, and none twice after an interruption."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, said, trials, while_running

from toonlab.studies.results.results import SearchTrial, StudyResults

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]) -> Path:
    """The search by the `local` executor with one slot."""
    from clusters import write_studies

    folder = tmp_path_factory.mktemp("alone")
    write_studies(folder)
    done = command("tune", "patches.yaml", "--jobs", "1", cwd=folder)
    assert done.wait(1500) == 0, done.stderr
    return folder / "runs" / "patches"


def ended(driver: Any) -> int:
    """How many trials have ended, from a driver's lines."""
    return sum(line.startswith("trial ") for line in said(driver).splitlines())


def test_both_executors_find_the_same_trials(cluster: Cluster, studies: Path, toonlab: Any, alone: Path) -> None:
    cluster.start_worker("only")
    driver = toonlab("tune", "patches.yaml", "--scheduler", cluster.address)
    assert driver.wait(1500) == 0, said(driver)
    directory = studies / "runs" / "patches"
    assert trials(directory) == trials(alone)
    assert trials(alone)[0].default
    assert {trial.state for trial in trials(alone)} >= {"complete", "pruned"}
    confirmed, expected = StudyResults.read(directory), StudyResults.read(alone)
    assert [cell.outcome and cell.outcome["metrics"] for cell in confirmed.cells] == [
        cell.outcome and cell.outcome["metrics"] for cell in expected.cells
    ]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("executor", ["local", "dask"])
def test_an_interrupted_search_counts_nothing_twice(
    cluster: Cluster, studies: Path, toonlab: Any, executor: str, number: int
) -> None:
    options = ["--jobs", "2"]
    if executor == "dask":
        options = ["--scheduler", cluster.address]
        for name in ("one", "two"):
            cluster.start_worker(name)
    command = ["tune", "patches.yaml", *options, "--runs", studies / "runs"]
    driver = toonlab(*command)
    while_running(driver, lambda: ended(driver) >= 1)
    os.kill(driver.pid, number)
    assert driver.wait(90) == (-number if number == signal.SIGKILL else 128 + number)
    driver = toonlab(*command)
    while_running(driver, lambda: ended(driver) >= 3)
    os.kill(driver.pid, number)
    assert driver.wait(90) == (-number if number == signal.SIGKILL else 128 + number)
    driver = toonlab(*command)
    assert driver.wait(1500) == 0, said(driver)
    found = trials(studies / "runs" / "patches")
    assert len(once(found)) == 10
    assert {trial.state for trial in once(found)} <= {"complete", "pruned"}


@pytest.mark.parametrize("executor", ["local", "dask"])
def test_a_search_over_two_recipes_that_is_interrupted_counts_nothing_twice(
    cluster: Cluster, studies: Path, toonlab: Any, executor: str
) -> None:
    options = ["--jobs", "2"]
    if executor == "dask":
        options = ["--scheduler", cluster.address]
        cluster.start_worker("one")
    command = ["tune", "pair.yaml", *options, "--runs", studies / "runs"]
    for count in (1, 2, 1, 3):  # in the first search, and in those that follow
        driver = toonlab(*command)
        kill_after(driver, count)
    driver = toonlab(*command)
    assert driver.wait(1500) == 0, said(driver)
    searches = StudyResults.read(studies / "runs" / "pair").searches
    assert [(each.recipe, each.control) for each in searches] == [
        *(("narrow", None), ("narrow", "random")),
        *(("wide", None), ("wide", "random")),
    ]
    for each in searches:
        assert len(once(each.trials)) == 3


def kill_after(driver: Any, count: int) -> None:
    while_running(driver, lambda: ended(driver) >= count)
    os.kill(driver.pid, signal.SIGKILL)
    assert driver.wait(90) == -signal.SIGKILL


def once(found: Sequence[SearchTrial]) -> list[SearchTrial]:
    """The trials that count, each with other parameters, the default's first."""
    counted = [trial for trial in found if trial.state != "infeasible"]
    assert [trial.number for trial in found] == sorted({trial.number for trial in found})
    assert [trial.default for trial in found] == [True] + [False] * (len(found) - 1)
    tried = [tuple(sorted(trial.params.items())) for trial in counted]
    assert len(set(tried)) == len(tried)
    return counted
