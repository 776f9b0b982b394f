"""A study on a scheduler and two stock workers, one of which is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clusters import Cluster, finished, numbers, weights, while_running


def test_a_study_on_two_workers_has_the_numbers_of_one_machine(
    cluster: Cluster, studies: Path, toonlab: Callable[..., Any], local: Callable[..., Path]
) -> None:
    first, _ = cluster.start_worker("first"), cluster.start_worker("second")
    driver = toonlab("compare", "six.yaml", "--scheduler", cluster.address, "--runs", studies / "runs")
    while_running(driver, lambda: finished(driver))
    first.kill()
    assert driver.wait() == 0, driver.stderr
    assert len(set(finished(driver))) == len(finished(driver)) == 6
    assert numbers(studies / "runs" / "six") == numbers(local("six"))
    assert weights(studies / "runs" / "six") == weights(local("six"))
