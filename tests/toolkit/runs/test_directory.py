"""The identity of a run, the files of its directory, and imports that need no torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
import yaml

import toonlab
from toonlab import Outcome, Run, ToonlabError
from toonlab.runs import directory as run_directory
from toonlab.runs.directory import (
    NUMBERS,
    MetricsFile,
    digest,
    environment,
    make_directory,
    prepare,
    read_metrics,
    read_outcome,
    source_hash,
    sweep,
    what_changed,
    write_atomically,
    write_outcome,
)
from toonlab.utils.distributed import DistributedContext

SOURCES = Path(__file__).parents[3]
RUN = Run(Path("runs"), "study", "ctss", 3, "0123456789abcdef", {"about": "a test"}, 8, {"device": "cpu"})

# Edits each file of a copy of the tree in turn, and prints which edits change the identity of a run of ctss.
EDIT_EVERY_FILE = """
import json, sys
from pathlib import Path
import toonlab
from toonlab.recipes.load import load
from toonlab.runs.directory import digest, run_identity, source_hash

copy = Path(sys.argv[1])
assert copy in Path(toonlab.__file__).parents, toonlab.__file__
catalogue = toonlab.discover()
recipe = load(copy / "small.yaml", catalogue)

def identity():
    source_hash.cache_clear()
    return digest(run_identity(recipe, catalogue, {}))

before, changed = identity(), {}
for file in sorted([*copy.glob("toolkit/**/*.py"), *copy.glob("plugins/**/*.py")]):
    text = file.read_text()
    file.write_text(text + "# edited\\n")
    changed[file.relative_to(copy).as_posix()] = identity() != before
    file.write_text(text)
assert identity() == before
print(json.dumps(changed))
"""
RECIPE = """\
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}
generator: {network: {use: ctss_plain, width: 2}, losses: {total_variation: {}}}
critics: {image: {discriminator: {use: ctss_image, width: 2}, objective: lsgan}}
stages: [{name: all, share: 1}]
train: {size: 32, batch: 2, steps: 4}
observers: {mlflow: {}, progress: {}}
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """For each source file, whether an edit makes the run of a recipe another one."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("toolkit", "plugins"):
        shutil.copytree(SOURCES / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("baselines", "experiments"):
        (copy / folder).symlink_to(SOURCES / folder)
    (copy / "small.yaml").write_text(RECIPE)
    paths = os.pathsep.join([str(copy / "toolkit"), str(copy / "plugins")])
    command = [sys.executable, "-c", EDIT_EVERY_FILE, str(copy)]
    done = subprocess.run(
        command, cwd=copy, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, bool] = json.loads(done.stdout.splitlines()[-1])
    return result


NUMBERS_OF_A_RUN = (
    "toolkit/toonlab/types.py",
    "toolkit/toonlab/utils/rng.py",
    "toolkit/toonlab/utils/distributed.py",
    "toolkit/toonlab/ops/",
    "toolkit/toonlab/registry/protocols.py",
    "toolkit/toonlab/registry/schema.py",
    "toolkit/toonlab/recipes/",
    "toolkit/toonlab/images/io.py",
    "toolkit/toonlab/engine/",
    "plugins/toonlab_basics/",
    "plugins/toonlab_ctss/",
    "plugins/toonlab_world/",
)


@pytest.mark.parametrize("edited", NUMBERS_OF_A_RUN)
def test_an_edit_of_what_decides_numbers_makes_it_another_run(changed: dict[str, bool], edited: str) -> None:
    files = {file: change for file, change in changed.items() if file.startswith(edited)}
    assert files
    assert all(files.values()), [file for file, change in files.items() if not change]


@pytest.mark.parametrize(
    "edited",
    [
        "toolkit/toonlab/cli/",
        "toolkit/toonlab/api/",
        "toolkit/toonlab/report/",
        "toolkit/toonlab/studies/",
        "toolkit/toonlab/stats/",
        "toolkit/toonlab/testing/",
        "toolkit/toonlab/scaffold/",
        "toolkit/toonlab/inference/",
        "toolkit/toonlab/runs/",
        "toolkit/toonlab/registry/doctor/",
        "toolkit/toonlab/registry/hookspecs.py",
        "toolkit/toonlab/registry/observers.py",
        "toolkit/toonlab/images/patch_panels.py",
        "toolkit/toonlab/errors.py",
        "plugins/toonlab_mlflow/",
        "plugins/toonlab_progress/",
        "plugins/toonlab_animegan/",
    ],
)
def test_an_edit_of_anything_else_does_not(changed: dict[str, bool], edited: str) -> None:
    files = {file: change for file, change in changed.items() if file.startswith(edited)}
    assert files
    assert not any(files.values()), [file for file, change in files.items() if change]


def test_no_other_file_changes_a_run(changed: dict[str, bool]) -> None:
    others = [file for file, change in changed.items() if change and not file.startswith(NUMBERS_OF_A_RUN)]
    assert others == []


@pytest.mark.parametrize("name", NUMBERS)
def test_every_name_of_the_allow_list_has_sources(name: str) -> None:
    assert source_hash(name) != source_hash()


def test_a_module_without_sources_counts_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_by_hand", ModuleType("made_by_hand"))
    source_hash.cache_clear()
    assert source_hash("made_by_hand") == source_hash()


def test_a_digest_depends_on_the_data_and_not_on_their_order() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1, "b": [2]}) != digest({"a": 1, "b": [3]})


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ({"code": {"toonlab": "1", "toonlab_ctss": "2"}, "data": {"scenes": 9}}, "the data has changed"),
        (
            {"code": {"toonlab": "1", "toonlab_ctss": "3"}, "data": {"scenes": 8}},
            "the code of toonlab_ctss has changed",
        ),
        (
            {"code": {"toonlab": "0"}, "data": {"scenes": 8}},
            "the code of toonlab and the code of toonlab_ctss have changed",
        ),
        ({"code": {"toonlab": "1", "toonlab_ctss": "2"}, "data": {"scenes": 8}}, "its recipe has changed"),
    ],
)
def test_differences_of_two_identities_in_words(tmp_path: Path, now: dict[str, object], text: str) -> None:
    then = {"code": {"toonlab": "1", "toonlab_ctss": "2"}, "data": {"scenes": 8}}
    (tmp_path / "environment.json").write_text(json.dumps({"identity": then}))
    assert what_changed(tmp_path, now) == text


def test_folders_of_which_pictures_were_removed_are_named_with_their_numbers(tmp_path: Path) -> None:
    then, now = ({"code": {}, "data": {"photos": {"pictures": count}, "resize": 8}} for count in (12, 11))
    (tmp_path / "environment.json").write_text(json.dumps({"identity": then}))
    text = "the data (photos: 11 pictures, 12 when it began) has changed"
    assert what_changed(tmp_path, now) == text


def test_the_environment_has_versions_and_the_identity_without_the_recipe() -> None:
    identity = {"recipe": {"about": "long"}, "code": {"toonlab": "1"}, "data": {}}
    found = environment(DistributedContext(torch.device("cpu")), identity, "toonlab train ctss", "study")
    assert (found["device"], found["processes"], found["command"]) == ("cpu", 1, "toonlab train ctss")
    assert (found["study"], found["identity"]) == ("study", {"code": {"toonlab": "1"}, "data": {}})
    assert found["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert "study" not in environment(DistributedContext(torch.device("cpu")), identity)
    if (SOURCES / ".git").exists():
        head = subprocess.run(["git", "-C", SOURCES, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        assert found["commit"].removesuffix("-dirty") == head.stdout.strip()


def test_a_toonlab_that_lies_in_no_checkout_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_directory, "__file__", str(tmp_path / "directory.py"))
    assert environment(DistributedContext(torch.device("cpu")), {})["commit"] is None
    for command in (
        ["init", "-q"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty"],
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    (tmp_path / "directory.py").touch()  # installed below the checkout of another project
    assert environment(DistributedContext(torch.device("cpu")), {})["commit"] is None
    monkeypatch.setenv("PATH", "")
    assert environment(DistributedContext(torch.device("cpu")), {})["commit"] is None


# -- files


def test_a_prepared_directory_has_the_recipe_and_the_environment(tmp_path: Path) -> None:
    run = replace(RUN, root=tmp_path)
    prepare(run)
    assert yaml.safe_load((run.directory / "recipe.yaml").read_text()) == {"about": "a test"}
    assert json.loads((run.directory / "environment.json").read_text()) == {"device": "cpu"}
    assert {path.name for path in run.directory.iterdir() if path.is_dir()} == {"samples", "checkpoints"}


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for act in (lambda: make_directory(tmp_path / "file" / "a"), lambda: prepare(replace(RUN, root=tmp_path / "file"))):
        with pytest.raises(ToonlabError, match="can't be written: Not a directory; choose another folder with --runs"):
            act()


def test_a_file_is_replaced_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    for text in ("one", "two"):
        write_atomically(path, text)
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_processes_were_writing_is_swept_and_nothing_else(tmp_path: Path) -> None:
    kept = [".lock", ".driver.lock", ".driver", ".mlflow-report", ".metrics.jsonl.swp", "outcome.json", "step-3.7"]
    swept = [".outcome.json.12", "..driver.7", ".0123456789abcdef.3", f".mlflow.json.{'0a' * 16}"]
    for name in (*kept, *swept):
        (tmp_path / name).touch()
    (tmp_path / ".step-00000003.7" / "within").mkdir(parents=True)
    sweep(tmp_path.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_an_outcome_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None
    outcome = Outcome(
        "stopped", 3, 1.5, "enough", {"psnr": 14.0}, {"psnr": 12.0}, {"psnr": {"n": 3}}, {"parameters": 9}
    )
    write_outcome(tmp_path, outcome)
    assert read_outcome(tmp_path) == outcome
    (tmp_path / "outcome.json").write_text('{"status": "finished"}')
    with pytest.raises(ToonlabError, match=r"outcome.json: can't be read: .*; delete it to run again"):
        read_outcome(tmp_path)


def test_lines_after_the_step_of_a_resume_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for keep, kept in ((0, []), (2, [1, 2]), (0, [])):
        file = MetricsFile(path, keep)
        assert [line["step"] for line in read_metrics(path)] == kept
        for step in range(1, 5):
            file.write(step, "scalars", {"loss": step / 2})
        file.close()
    assert [line["scalars"] for line in read_metrics(path)] == [{"loss": step / 2} for step in range(1, 5)]


def test_the_lines_of_a_final_evaluation_are_written_again_by_a_resumed_run(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path, 0)
    for kind in ("scalars", "evaluation", "selected", "test"):
        file.write(4, kind, {})
    file.close()
    MetricsFile(path, keep=4).close()
    assert [line.keys() - {"step", "time"} for line in read_metrics(path)] == [{"scalars"}, {"evaluation"}]


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert list(read_metrics(path)) == []
    path.write_text('{"step": 1, "time": 9, "scalars": {}}\n{"step": 2, "sca')
    assert [line["step"] for line in read_metrics(path)] == [1]


def test_results_are_read_without_torch(tmp_path: Path) -> None:
    run = replace(RUN, root=tmp_path)
    prepare(run)
    write_outcome(run.directory, Outcome("finished", 8, 1.0))
    code = (
        "import sys, pathlib, toonlab.types\n"
        "from toonlab.runs.directory import read_metrics, read_outcome, digest\n"
        "from toonlab.utils.rng import key_to_seed\n"
        "import toonlab.utils.paths, toonlab.utils.signals, toonlab.registry.observers, toonlab.runs.sync\n"
        f"print(read_outcome(pathlib.Path({str(run.directory)!r})).status, digest(1), key_to_seed(0, 'a'))\n"
        "assert 'torch' not in sys.modules and toonlab.Run is toonlab.types.Run\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("finished ")
    assert toonlab.Run is Run
