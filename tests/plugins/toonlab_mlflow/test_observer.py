"""A real MLflow store, driven as the engine drives it."""

from __future__ import annotations

import math
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from toonlab.registry.observers import Observers
from toonlab.types import Run
from toonlab_mlflow import MLflow, observer, register_observers
from toonlab_mlflow.address import default_address
from toonlab_mlflow.directory import image_name

patient = partial(MLflow, patience=240.0)  # a busy machine may take its time to send all at the end


def synced(run: Run, outcome: Any = None, **parameters: Any) -> str:
    (line,) = Observers({"mlflow": MLflow(**parameters)}).notify("sync", run=run, outcome=outcome)
    return str(line)


def test_a_run_has_a_name_that_a_person_understands_and_tags_to_search_by(
    run: Run, uri: str, life: Any, store: Any
) -> None:
    life(run, patient()).end(1, "stopped", "enough")
    tracked = store(uri).the_run()
    assert tracked.info.run_name == "ctss-s0-1a2b3c4d"
    expected = {"recipe": "ctss", "seed": "0", "cell": "1a2b3c4d", "toonlab": "0.1.0", "device": "cpu"}
    assert expected.items() <= tracked.data.tags.items()
    assert tracked.data.tags["mlflow.note.content"] == "CTSS, narrow"
    assert tracked.info.start_time == 1_767_323_045_000  # 2026-01-02T03:04:05Z


def test_every_resolved_parameter_is_there_and_no_password(run: Run, uri: str, life: Any, store: Any) -> None:
    life(run, patient()).end(1)
    assert store(uri).the_run().data.params == {
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


def test_more_parameters_than_mlflow_takes_at_once(run: Run, uri: str, life: Any, store: Any) -> None:
    many = {"critics": {f"critic {n} (of 250)": {"k": n} for n in range(250)}}
    life(replace(run, recipe=many), MLflow()).end(1)
    params = store(uri).the_run().data.params
    assert len(params) == 250
    assert params["critics.critic 249 _of 250_.k"] == "249"


def test_every_scalar_arrives_once(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, patient())
    for step in range(2, 2501, 2):  # more than one batch
        alive.step(step, **{"generator/total": step / 2, "critic/patch/total": float("nan")})
    alive.end(2500)
    assert store(uri).history("train/generator/total") == [(step, step / 2) for step in range(2, 2501, 2)]
    lost = store(uri).history("train/critic/patch/total")
    assert [step for step, _ in lost] == list(range(2, 2501, 2))
    assert all(math.isnan(value) for _, value in lost)


def test_an_evaluation_is_shown_at_once_with_the_steps_before_it(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, patient())
    assert store(uri).the_run().info.status == "RUNNING"
    alive.step(50, **{"generator/total": 2.5})
    alive.evaluate(50, psnr=17.0)
    assert store(uri).history("train/generator/total") == [(50, 2.5)]
    assert store(uri).history("evaluation/psnr") == [(50, 17.0)]
    assert store(uri).the_run().info.status == "RUNNING"
    alive.end(50)


def test_logged_steps_are_sent_every_few_seconds(
    run: Run, uri: str, life: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = life(run, patient())
    alive.step(1)
    assert "train/generator/total" not in store(uri).the_run().data.metrics
    monkeypatch.setattr(observer, "_SECONDS", 0.0)
    alive.step(2)
    assert store(uri).history("train/generator/total") == [(1, 1.0), (2, 0.5)]
    alive.log.write(3, "scalars", {"generator/total": 3.0})
    alive.tell("on_step_end", step=3, scalars=None)  # a step that is not logged is no occasion to send
    assert len(store(uri).history("train/generator/total")) == 2
    alive.end(3)


def test_an_evaluation_brings_metrics_and_pictures(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, patient())
    alive.evaluate(20, lines=0.652)
    alive.end(20)
    assert store(uri).history("evaluation/lines") == [(20, 0.652)]
    assert store(uri).history("photo/lines") == [(20, 0.05)]
    picture = (run.directory / "samples" / "step-00000020.png").read_bytes()
    assert store(uri).artifact(f"images/{image_name(Path('samples/step-00000020.png'))}.png") == picture
    assert store(uri).the_run().info.artifact_uri.startswith((run.root / "mlflow-artifacts").as_uri())


def test_recipe_environment_and_the_last_weights_are_artifacts(run: Run, uri: str, life: Any, store: Any) -> None:
    (run.directory / "recipe.yaml").write_text("about: CTSS\n", encoding="utf-8")
    (run.directory / "environment.json").write_text("{}", encoding="utf-8")
    alive = life(run, patient())
    alive.checkpoint(10, b"earlier")
    alive.checkpoint(20, b"the last")
    alive.end(20)
    assert store(uri).artifacts() == {"recipe.yaml", "environment.json", "weights"}
    assert store(uri).artifact("weights/generator.safetensors") == b"the last"


@pytest.mark.parametrize(
    ("status", "expected"), [("finished", "FINISHED"), ("failed", "FAILED"), ("stopped", "KILLED")]
)
def test_the_outcome_is_shown(run: Run, uri: str, life: Any, store: Any, status: str, expected: str) -> None:
    reason = None if status == "finished" else "loss is nan"
    life(run, patient()).end(1, status, reason)
    tracked = store(uri).the_run()
    assert tracked.info.status == expected
    assert tracked.info.end_time == round((run.directory / "outcome.json").stat().st_mtime * 1000)
    assert tracked.data.tags.get("outcome.reason") == reason


def test_a_reason_longer_than_a_tag_is_cut(run: Run, uri: str, life: Any, store: Any) -> None:
    life(run, patient()).end(1, "failed", "x" * 20_000)
    tracked = store(uri).the_run()
    assert (tracked.info.status, tracked.data.tags["outcome.reason"]) == ("FAILED", "x" * 5000)


def test_a_resumed_run_continues_the_same_mlflow_run(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, patient())
    alive.step(1)
    alive.checkpoint(1, b"weights of 1")
    alive.end(1, "stopped", "interrupted")
    again = replace(run, recipe={**run.recipe, "about": "cannot change any more", "new": 1})
    alive = life(again, patient(), keep=1)
    assert store(uri).the_run().info.status == "RUNNING"
    assert "outcome.reason" not in store(uri).the_run().data.tags
    alive.step(2)
    alive.checkpoint(2, b"weights of 2")
    alive.end(2)
    tracked = store(uri).the_run()
    assert tracked.info.status == "FINISHED"
    assert (tracked.data.params["about"], tracked.data.params["new"]) == ("CTSS, narrow", "1")
    assert store(uri).history("train/generator/total") == [(1, 1.0), (2, 0.5)]
    assert store(uri).artifact("weights/generator.safetensors") == b"weights of 2"


def test_texts_and_pictures_of_a_later_life_replace_the_earlier(run: Run, uri: str, life: Any, store: Any) -> None:
    for text, keep in (("1st life", 0), ("2nd life", 4)):
        (run.directory / "environment.json").write_text(text, encoding="utf-8")
        alive = life(run, patient(), keep)
        (run.directory / "samples").mkdir(exist_ok=True)
        Image.new("RGB", (8 + keep, 8)).save(run.directory / "samples" / "step-00000005.png")
        alive.end(5, "stopped", "again")
    assert store(uri).artifact("environment.json") == b"2nd life"
    assert len(store(uri).artifacts("images")) == 2  # the picture, and a small one
    (later,) = [path for path in store(uri).artifacts("images") if path.endswith(".png")]
    assert store(uri).artifact(later) == (run.directory / "samples" / "step-00000005.png").read_bytes()


def test_steps_that_a_resumed_run_takes_again_are_there_once(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, patient())
    for step in range(1, 8):
        alive.step(step)
    alive.end(7, "stopped", "killed")
    alive = life(run, patient(), keep=4)  # the last checkpoint was that of step 4
    for step in range(5, 11):
        alive.step(step)
    alive.end(10)
    assert store(uri).history("train/generator/total") == [(step, 1 / step) for step in range(1, 11)]


def test_a_run_deleted_in_mlflow_is_made_anew(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, patient())
    alive.step(1)
    alive.end(1, "stopped", "interrupted")
    first = store(uri).the_run()
    store(uri).client.delete_run(first.info.run_id)
    alive = life(run, patient(), keep=1)
    alive.step(2)
    alive.end(2)
    assert store(uri).the_run().info.run_id != first.info.run_id
    assert store(uri).history("train/generator/total") == [(1, 1.0), (2, 0.5)]


def test_an_mlflow_run_whose_maker_was_killed_before_it_knew_is_found_again(
    run: Run, uri: str, life: Any, store: Any
) -> None:
    life(run, patient()).end(1, "stopped", "interrupted")
    first = store(uri).the_run().info.run_id
    shutil.copytree(run.directory, run.directory.with_name("copy"))  # all that a kill leaves: the key
    for path in run.directory.iterdir():
        if path.name != "mlflow.json":
            path.unlink()
    life(run, patient()).end(1)
    assert store(uri).the_run().info.run_id == first


def test_a_store_of_the_users_choice(
    run: Run, uri: str, life: Any, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = f"sqlite:///{tmp_path}/mine/mine.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mine)
    monkeypatch.chdir(tmp_path)
    life(run, patient(experiment="patch sizes")).end(1)
    assert store(mine).the_run("patch sizes").info.status == "FINISHED"
    assert store(uri).runs() == []
    assert not (tmp_path / "mlruns").exists()


def test_two_runs_share_an_experiment(run: Run, uri: str, life: Any, store: Any) -> None:
    other = replace(run, seed=1)
    other.directory.mkdir(parents=True)
    lives = [life(run, patient()), life(other, patient())]
    for alive in lives:
        alive.end(1)
    assert sorted(one.info.run_name for one in store(uri).runs()) == ["ctss-s0-1a2b3c4d", "ctss-s1-1a2b3c4d"]


def test_a_deleted_experiment_is_named_with_the_remedy(run: Run, uri: str, life: Any, store: Any) -> None:
    life(run, patient()).end(1, "stopped", "again")
    store(uri).client.delete_experiment(store(uri).the_run().info.experiment_id)
    remedy = "'demo' is deleted; bring it back by `mlflow experiments restore -x 1`"
    with pytest.warns(RuntimeWarning, match=remedy):
        alive = life(run, patient(), keep=1)
    alive.end(1)
    with pytest.warns(RuntimeWarning, match=remedy):
        assert Observers({"mlflow": MLflow()}).notify("sync", run=run, outcome=None) == []


def test_sync_makes_complete_what_nobody_recorded_and_then_adds_nothing(
    run: Run, uri: str, life: Any, store: Any, recorded: Any
) -> None:
    (run.directory / "recipe.yaml").write_text("about: CTSS\n", encoding="utf-8")
    alive = life(run, object())
    for step in range(1, 11):
        alive.step(step)
    alive.evaluate(10, lines=0.5)
    alive.checkpoint(10)
    outcome = alive.end(10)
    line = f"MLflow at {uri}: "
    assert synced(run, outcome) == line + "sent 10 parameters, 12 points, 2 files, 1 outcome"
    tracked = store(uri).the_run()
    assert store(uri).points(tracked) == recorded(run.directory)
    assert tracked.info.status == "FINISHED"
    assert synced(run, outcome) == line + "complete"
    assert store(uri).points(store(uri).the_run()) == recorded(run.directory)
    assert store(uri).the_run().info.end_time == tracked.info.end_time


def test_sync_leaves_a_run_that_has_not_ended_running(run: Run, uri: str, life: Any, store: Any) -> None:
    alive = life(run, object())
    alive.step(1)
    alive.log.close()
    assert synced(run).endswith("sent 10 parameters, 1 point")
    assert store(uri).the_run().info.status == "RUNNING"


def test_sync_brings_a_run_to_another_store_and_forgets_the_first_not(
    run: Run, uri: str, tables: Path, life: Any, store: Any, tmp_path: Path
) -> None:
    alive = life(run, patient())
    alive.step(1)
    outcome = alive.end(1)
    other = f"sqlite:///{shutil.copy(tables, tmp_path / 'other.db')}"
    assert "2 points, 1 outcome" in synced(run, outcome, tracking_uri=other)
    assert store(other).history("train/generator/total") == [(1, 1.0)]
    assert synced(run, outcome).endswith("complete")
    assert len(store(uri).runs()) == 1


def test_what_happens_to_a_run_that_never_started_is_ignored(run: Run, uri: str, store: Any) -> None:
    observers = Observers({"mlflow": MLflow()})
    for hook, arguments in {"on_step_end": {"step": 1, "scalars": {}}, "on_run_end": {"outcome": None}}.items():
        observers.notify(hook, run=run, **arguments)
    assert store(uri).runs() == []


def test_where_to_look(run: Run) -> None:
    assert Observers({"mlflow": MLflow("http://me:secret@host:5000")}).notify("where_to_look", run=run) == [
        "MLflow:  http://me@host:5000"
    ]
    (lines,) = Observers({"mlflow": MLflow()}).notify("where_to_look", run=run)
    command = f"mlflow ui --backend-store-uri 'sqlite:///{run.root}/mlflow.db'"  # as a shell takes it
    assert lines.splitlines()[1:] == [f"         look at it with: {command}", "         at: http://127.0.0.1:5000"]


def test_a_run_that_mlflow_has_is_found_at_the_page_of_its_experiments_runs(
    run: Run, uri: str, life: Any, study_run: Any
) -> None:
    of_one, alone = study_run(0), run
    for one in (of_one, alone):
        life(one, patient()).end(1)
    page = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"
    ends = [Observers({"mlflow": MLflow()}).notify("where_to_look", run=one)[0].split()[-1] for one in (alone, of_one)]
    assert ends == [page, f"{page}&orderByKey=tags.%60mlflow.runName%60&orderByAsc=true"]


def test_a_tracking_uri_that_is_none_is_an_error_before_the_run() -> None:
    with pytest.raises(Exception, match="got 'mlruns', expected a server"):
        MLflow("mlruns")


ONE_RUN = """
import sys, time, warnings
from pathlib import Path
from toonlab.registry.observers import Observers
from toonlab.types import Outcome, Run
from toonlab.runs.directory import MetricsFile
from toonlab_mlflow import MLflow
import mlflow  # so that both arrive at the empty store together

warnings.simplefilter("error", RuntimeWarning)
root, seed, start = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
run = Run(root, "demo", "ctss", seed, "1a2b3c4d5e6f", {"seed": seed}, 1)
run.directory.mkdir(parents=True)
print("ready", flush=True)
while not start.exists():
    time.sleep(0.01)
observers = Observers({"mlflow": MLflow(patience=240)})
observers.notify("on_run_start", run=run)
MetricsFile(run.directory / "metrics.jsonl", 0).write(1, "scalars", {"generator/total": float(seed)})
observers.notify("on_run_end", run=run, outcome=Outcome("finished", 1, 1.0))
"""


def test_two_processes_start_on_an_empty_store_at_once(
    run: Run, store: Any, program: Any, until: Any, tmp_path: Path
) -> None:
    start = tmp_path / "start"
    processes = [program(ONE_RUN, run.root, seed, start) for seed in (1, 2)]
    until(lambda: all(process.stdout == "ready\n" for process in processes))
    start.touch()
    for process in processes:  # nor does table creation clutter the terminal
        assert (process.wait(), process.stdout, process.stderr) == (0, "ready\n", "")
    tracked = store(default_address(run.root)).runs()
    assert {one.info.run_name: one.data.metrics["train/generator/total"] for one in tracked} == {
        "ctss-s1-1a2b3c4d": 1.0,
        "ctss-s2-1a2b3c4d": 2.0,
    }
    assert {one.info.status for one in tracked} == {"FINISHED"}


def test_importing_the_plugin_imports_no_mlflow() -> None:
    code = "import sys, toonlab_mlflow; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_offered_by_name() -> None:
    assert register_observers() == {"mlflow": MLflow}


def test_sync_with_a_store_that_is_away_says_so_and_can_be_repeated(run: Run, life: Any) -> None:
    alive = life(run, object())
    alive.step(1)
    alive.log.close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
    observers = Observers({"mlflow": MLflow(f"http://me:secret@{where}")})
    with pytest.warns(RuntimeWarning, match=f"MLflow at http://me@{where}: connection refused; nothing is lost, and"):
        observers.notify("sync", run=run, outcome=None)


def test_a_report_that_the_store_has_is_not_sent_again(
    run: Run, uri: str, life: Any, store: Any, study_run: Any, tmp_path: Path
) -> None:
    one = study_run(0)
    life(one, patient()).end(1)
    report = run.root / "report.html"

    def sent(text: str, observer: MLflow) -> list[str]:
        """What of a report is at its place after the file there was deleted: only one that is sent again."""
        report.write_text(text, encoding="utf-8")
        Observers({"mlflow": observer}).notify("on_report", run=one, path=report)
        files = [*run.root.rglob("mlflow-artifacts/*/artifacts/report.html")]
        found = [file.read_text() for file in files]
        for file in files:
            file.unlink()
        return found

    assert [sent("first", MLflow()), sent("first", MLflow()), sent("second", MLflow())] == [["first"], [], ["second"]]
    assert sent("second", MLflow(f"sqlite:///{tmp_path}/other.db")) == ["second"]  # a store that does not have it


def test_a_run_of_no_study_stands_by_itself(run: Run, uri: str, life: Any, store: Any) -> None:
    life(run, patient()).end(1)
    assert "mlflow.parentRunId" not in store(uri).the_run().data.tags
