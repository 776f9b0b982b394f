"""Studies on real schedulers and workers, and the same study by the `local` executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, write_studies


@pytest.fixture(autouse=True, scope="session")
def _only_the_tests_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        for name in ("MLFLOW_TRACKING_URI", "TOONLAB_TRACKING_URI", "TOONLAB_SCHEDULER"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler; the test starts the workers."""
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster")
    cluster.start_scheduler()
    yield cluster
    cluster.close()


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """The folder with the studies, in which commands start."""
    write_studies(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]) -> Callable[[str], Path]:
    """`local("forty")` is the directory of that study, run by the `local` executor once for all tests."""
    folder = tmp_path_factory.mktemp("local")
    write_studies(folder)

    def run(study: str) -> Path:
        directory = folder / "runs" / study
        if not (directory / "results.json").exists():
            done = command("compare", f"{study}.yaml", "--jobs", "2", cwd=folder)
            assert done.wait(1500) == 0, done.stderr
        return directory

    return run
