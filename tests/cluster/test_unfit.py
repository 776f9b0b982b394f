"""Workers that can't run a study's cells get none, and the driver names them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, finished, numbers, said, while_running

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def other_code(tmp_path: Path) -> str:
    """The `PYTHONPATH` of a copy of toonlab with a changed line of the engine."""
    for part in ("toolkit", "plugins"):
        shutil.copytree(ROOT / part, tmp_path / "copy" / part, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "copy" / "toolkit" / "toonlab" / "engine" / "trainer.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    return f"{tmp_path / 'copy' / 'toolkit'}:{tmp_path / 'copy' / 'plugins'}"


def test_workers_with_other_code_or_without_slots_get_no_cell(
    cluster: Cluster, studies: Path, toonlab: Any, other_code: str, local: Any
) -> None:
    cluster.start_worker("other", environment={"PYTHONPATH": other_code})
    cluster.start_worker("without", resources="")
    driver = toonlab("compare", "six.yaml", "--scheduler", cluster.address)
    while_running(driver, lambda: said(driver).count("gets no cell: ") >= 2)
    assert finished(driver) == []
    cluster.start_worker("fit")
    assert driver.wait(400) == 0, said(driver)
    assert len(finished(driver)) == 6
    assert numbers(studies / "runs" / "six") == numbers(local("six"))
    warnings = [line for line in said(driver).splitlines() if "gets no cell: " in line]
    assert len(warnings) == 2
    assert sum("the code of toonlab differs from the study's" in line for line in warnings) == 1
    assert sum("it offers no resource slot; start it with --resources slot=1" in line for line in warnings) == 1
