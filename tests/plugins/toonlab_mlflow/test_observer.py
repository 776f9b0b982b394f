"""A real MLflow store, driven as the engine drives it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from toonlab.events import Observers, Outcome, Run
from toonlab_mlflow import MLflow, register_observers, store

RECIPE = {
    "about": "CTSS, narrow",
    "data": {"use": "toonworld", "style": "storybook"},
    "critics": {"patch": {"sampler": {"use": "ctss", "patch_size": 96, "stride_real": 0.5}, "representation": None}},
    "stages": [{"name": "warm-up", "steps": 10}, {"name": "adversarial", "steps": 30}],
    "train": {"ema": None, "deterministic": True},
    "observers": {"mlflow": {"tracking_uri": "postgresql://me:secret@host/db"}},
}
FINISHED = Outcome("finished", step=40, seconds=3.0, photo={"outline_f1": 0.05})


@pytest.fixture(autouse=True)
def _no_server_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables and nothing else: to make them takes a second."""
    root = tmp_path_factory.mktemp("store")
    store.connect(store.default_uri(root))
    return root / "mlflow.db"


@pytest.fixture
def run(tmp_path: Path, tables: Path) -> Run:
    environment = {"versions": {"toonlab": "0.1.0"}, "device": "cpu", "threads": 2}
    run = Run(tmp_path / "my runs", "demo", "ctss", 0, "1a2b3c4d5e6f", RECIPE, 40, environment)
    run.directory.mkdir(parents=True)
    shutil.copy(tables, run.root)
    return run


def started(run: Run, **parameters: str) -> Observers:
    observers = Observers({"mlflow": MLflow(**parameters)})
    observers.tell("on_run_start", run=run)
    return observers


def client(run: Run) -> MlflowClient:
    return MlflowClient(store.default_uri(run.root))


def stored(run: Run, experiment: str = "demo") -> list[MlflowRun]:
    found = client(run).get_experiment_by_name(experiment)
    return [] if found is None else list(client(run).search_runs([found.experiment_id]))


def history(run: Run, name: str) -> list[tuple[int, float]]:
    (tracked,) = stored(run)
    return [(point.step, point.value) for point in client(run).get_metric_history(tracked.info.run_id, name)]


def test_a_run_has_a_name_that_a_person_understands_and_tags_to_search_by(run: Run) -> None:
    started(run)
    (tracked,) = stored(run)
    assert tracked.info.run_name == "ctss-s0-1a2b3c4d"
    assert tracked.info.status == "RUNNING"
    expected = {"recipe": "ctss", "seed": "0", "identity": "1a2b3c4d5e6f", "toonlab": "0.1.0", "device": "cpu"}
    assert expected.items() <= tracked.data.tags.items()
    assert tracked.data.tags["mlflow.note.content"] == "CTSS, narrow"


def test_every_resolved_parameter_is_there_and_no_password(run: Run) -> None:
    started(run)
    (tracked,) = stored(run)
    assert tracked.data.params == {
        "about": "CTSS, narrow",
        "data.use": "toonworld",
        "data.style": "storybook",
        "critics.patch.sampler.use": "ctss",
        "critics.patch.sampler.patch_size": "96",
        "critics.patch.sampler.stride_real": "0.5",
        "critics.patch.representation": "null",
        "stages": '[{"name": "warm-up", "steps": 10}, {"name": "adversarial", "steps": 30}]',
        "train.ema": "null",
        "train.deterministic": "true",
    }


def test_more_parameters_than_mlflow_takes_at_once(run: Run) -> None:
    many = {"critics": {f"critic {n} (of 250)": {"k": n} for n in range(250)}}
    started(replace(run, recipe=many))
    (tracked,) = stored(run)
    assert len(tracked.data.params) == 250
    assert tracked.data.params["critics.critic 249 _of 250_.k"] == "249"


def test_every_scalar_arrives_once(run: Run) -> None:
    observers = started(run)
    for step in range(1, 2501):  # more than one batch, with a rest that only the end flushes
        scalars = {"generator/total": step / 2, "critic/patch/total": float("nan")} if step % 2 == 0 else None
        observers.tell("on_step_end", run=run, step=step, scalars=scalars)
    observers.tell("on_run_end", run=run, outcome=FINISHED)
    assert history(run, "generator/total") == [(step, step / 2) for step in range(2, 2501, 2)]
    assert len(history(run, "critic/patch/total")) == 1250


@pytest.mark.parametrize("event", ["on_evaluation_end", "on_checkpoint"])
def test_an_evaluation_and_a_checkpoint_flush(run: Run, tmp_path: Path, event: str) -> None:
    observers = started(run)
    observers.tell("on_step_end", run=run, step=50, scalars={"generator/total": 2.5})
    assert history(run, "generator/total") == []
    extra = {"metrics": {}, "images": {}} if event == "on_evaluation_end" else {"path": tmp_path}
    observers.tell(event, run=run, step=50, **extra)
    assert history(run, "generator/total") == [(50, 2.5)]


def test_an_evaluation_brings_metrics_and_pictures(run: Run) -> None:
    picture = run.directory / "samples" / "step-20.png"
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    observers = started(run)
    observers.tell("on_evaluation_end", run=run, step=20, metrics={"outline_f1": 0.652}, images={"grid": picture})
    assert history(run, "eval/outline_f1") == [(20, 0.652)]
    (tracked,) = stored(run)
    kept = Path(client(run).download_artifacts(tracked.info.run_id, "samples/step-20.png"))
    assert kept.read_bytes() == b"a picture"
    assert tracked.info.artifact_uri.startswith((run.root / "mlflow-artifacts").as_uri())


def test_recipe_and_environment_are_artifacts(run: Run) -> None:
    (run.directory / "recipe.yaml").write_text("about: CTSS\n", encoding="utf-8")
    (run.directory / "environment.json").write_text("{}", encoding="utf-8")
    started(run)
    (tracked,) = stored(run)
    assert {file.path for file in client(run).list_artifacts(tracked.info.run_id)} == {
        "recipe.yaml",
        "environment.json",
    }


@pytest.mark.parametrize(
    ("status", "expected"), [("finished", "FINISHED"), ("failed", "FAILED"), ("stopped", "KILLED")]
)
def test_the_outcome_is_shown(run: Run, status: str, expected: str) -> None:
    reason = None if status == "finished" else "loss is nan"
    observers = started(run)
    observers.tell("on_run_end", run=run, outcome=replace(FINISHED, status=status, reason=reason))
    (tracked,) = stored(run)
    assert tracked.info.status == expected
    assert tracked.info.end_time is not None
    assert tracked.data.tags.get("outcome.reason") == reason


def test_a_reason_longer_than_a_tag_is_cut(run: Run) -> None:
    started(run).tell("on_run_end", run=run, outcome=replace(FINISHED, status="failed", reason="x" * 20_000))
    (tracked,) = stored(run)
    assert (tracked.info.status, tracked.data.tags["outcome.reason"]) == ("FAILED", "x" * 5000)


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(run: Run) -> None:
    observers = started(run)
    observers.tell("on_step_end", run=run, step=1, scalars={"generator/total": 1.0})
    observers.tell("on_run_end", run=run, outcome=Outcome("stopped", 1, 1.0, "interrupted"))
    again = replace(run, recipe={**RECIPE, "about": "cannot change any more", "new": 1})
    observers = started(again)
    (tracked,) = stored(run)
    assert (tracked.info.status, tracked.data.tags.get("outcome.reason")) == ("RUNNING", None)
    observers.tell("on_step_end", run=again, step=2, scalars={"generator/total": 2.0})
    observers.tell("on_run_end", run=again, outcome=FINISHED)
    (tracked,) = stored(run)
    assert tracked.info.status == "FINISHED"
    assert (tracked.data.params["about"], tracked.data.params["new"]) == ("CTSS, narrow", "1")
    assert history(run, "generator/total") == [(1, 1.0), (2, 2.0)]


def test_steps_that_a_resumed_run_takes_again_are_there_once(run: Run) -> None:
    for steps in (range(1, 8), range(5, 11)):  # killed at step 7; the last checkpoint was that of step 4
        observers = started(run)
        for step in steps:
            observers.tell("on_step_end", run=run, step=step, scalars={"generator/total": 1 / step})
        observers.tell("on_checkpoint", run=run, step=7, path=run.directory)
    assert history(run, "generator/total") == [(step, 1 / step) for step in range(1, 11)]


def test_the_photos_own_metrics_stand_beside(run: Run) -> None:
    started(run).tell("on_run_end", run=run, outcome=FINISHED)
    assert history(run, "photo/outline_f1") == [(40, 0.05)]


def test_a_run_deleted_in_mlflow_is_made_anew(run: Run) -> None:
    started(run)
    (first,) = stored(run)
    client(run).delete_run(first.info.run_id)
    started(run)
    (second,) = stored(run)
    assert second.info.run_id != first.info.run_id
    assert json.loads((run.directory / "mlflow.json").read_text(encoding="utf-8"))["run_id"] == second.info.run_id


def test_a_store_of_the_users_choice(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mine/mine.db")
    monkeypatch.chdir(tmp_path)
    started(run, experiment="patch sizes")
    mine = MlflowClient(f"sqlite:///{tmp_path}/mine/mine.db")
    experiment = mine.get_experiment_by_name("patch sizes")
    assert len(mine.search_runs([experiment.experiment_id])) == 1
    assert stored(run) == []
    assert not (tmp_path / "mlruns").exists()


def test_two_runs_share_an_experiment(run: Run) -> None:
    other = replace(run, seed=1)
    other.directory.mkdir(parents=True)
    started(run)
    started(other)
    assert sorted(tracked.info.run_name for tracked in stored(run)) == ["ctss-s0-1a2b3c4d", "ctss-s1-1a2b3c4d"]


def test_a_deleted_experiment_is_named_with_the_remedy(run: Run) -> None:
    started(run)
    (tracked,) = stored(run)
    client(run).delete_experiment(tracked.info.experiment_id)
    with pytest.warns(RuntimeWarning, match="'demo' is deleted; bring it back by `mlflow experiments restore -x 1`"):
        started(run)


def test_what_happens_to_a_run_that_never_started_is_ignored(run: Run) -> None:
    observers = Observers({"mlflow": MLflow()})
    observers.tell("on_step_end", run=run, step=1, scalars={"generator/total": 1.0})
    observers.tell("on_run_end", run=run, outcome=FINISHED)
    assert stored(run) == []


ONE_RUN = """
import sys, time
from pathlib import Path
from toonlab.events import Observers, Outcome, Run
from toonlab_mlflow import MLflow
import mlflow  # so that both arrive at the empty store together

root, seed, start = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
run = Run(root, "demo", "ctss", seed, "1a2b3c4d5e6f", {"seed": seed}, 1)
run.directory.mkdir(parents=True)
print("ready", flush=True)
while not start.exists():
    time.sleep(0.01)
observers = Observers({"mlflow": MLflow()})
observers.tell("on_run_start", run=run)
observers.tell("on_step_end", run=run, step=1, scalars={"generator/total": float(seed)})
observers.tell("on_run_end", run=run, outcome=Outcome("finished", 1, 1.0))
"""


def test_two_processes_start_on_an_empty_store_at_once(run: Run, tmp_path: Path) -> None:
    (run.root / "mlflow.db").unlink()
    start = tmp_path / "start"
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", ONE_RUN, str(run.root)]
    processes = [
        subprocess.Popen([*command, str(seed), str(start)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in (1, 2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    start.touch()
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, output, errors) == (0, "", "")  # nor does table creation clutter the terminal
    tracked = stored(run)
    assert {one.info.run_name: one.data.metrics["generator/total"] for one in tracked} == {
        "ctss-s1-1a2b3c4d": 1.0,
        "ctss-s2-1a2b3c4d": 2.0,
    }
    assert {one.info.status for one in tracked} == {"FINISHED"}


def test_importing_the_plugin_imports_no_mlflow() -> None:
    code = "import sys, toonlab_mlflow; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_offered_by_name() -> None:
    assert register_observers() == {"mlflow": MLflow}
