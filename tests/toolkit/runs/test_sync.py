"""Runs read back from their directories, and the observers that complete what they recorded of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toonlab import Catalogue, Outcome, Run, ToonlabError, discover, hookimpl
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Offer
from toonlab.registry.schema import Schema
from toonlab.runs.directory import write_outcome
from toonlab.runs.sync import Synced, directories, make_observers, read_run, sync

FINISHED = Outcome("finished", 4, 1.5, metrics={"psnr": 17.5})


class Diary:
    """Records outcomes in a file."""

    def __init__(self, file: Path = Path("diary.txt"), page: str = "blank") -> None:
        self.file, self.page = file, page

    @hookimpl
    def sync(self, run: Run, outcome: Outcome | None) -> str | None:
        if self.page == "full":
            raise ToonlabError("diary: full; buy another")
        if self.page == "torn":
            raise OSError("torn")
        with self.file.open("a") as file:
            file.write(f"{run.name} {outcome.status if outcome else 'running'}\n")
        return None if self.page == "silent" else f"diary: {run.experiment}, seed {run.seed}"


class Deaf:
    """Does not implement `sync`."""

    @hookimpl
    def on_run_start(self) -> None:
        raise AssertionError


class Tracker:
    def __init__(self, tracking_uri: str | None = None, every: int = 1) -> None:
        self.uri, self.every = tracking_uri, every


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue()
    for name, factory in {"diary": Diary, "deaf": Deaf, "tracker": Tracker}.items():
        catalogue.add(Offer("observers", name, factory, Schema.of(factory), "tests"))
    return catalogue


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes the directory of a run: `make_run("demo", seed=1, diary={...})`."""

    def make(experiment: str = "demo", seed: int = 0, outcome: Outcome | None = FINISHED, **observers: Any) -> Path:
        directory = tmp_path / "runs" / experiment / f"my-ctss-s{seed}-1a2b3c4d"
        directory.mkdir(parents=True)
        file = str(tmp_path / "diary.txt")
        tree = {"about": "CTSS", "observers": observers or {"diary": {"file": file}, "deaf": None}}
        (directory / "recipe.yaml").write_text(json.dumps(tree))
        (directory / "environment.json").write_text('{"device": "cpu"}')
        if outcome:
            write_outcome(directory, outcome)
        return directory

    return make


def test_a_run_is_read_back_from_its_directory(make_run: Callable[..., Path]) -> None:
    directory = make_run(seed=3)
    run, outcome = read_run(directory)
    assert (run.recipe_name, run.seed, run.identity) == ("my-ctss", 3, "1a2b3c4d")
    assert (run.directory, run.experiment, run.environment) == (directory, "demo", {"device": "cpu"})
    assert run.recipe["about"] == "CTSS"
    assert outcome == FINISHED


def test_from_within_the_directory(make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make_run(outcome=None)
    monkeypatch.chdir(directory)
    run, outcome = read_run(Path())
    assert (run.directory, outcome) == (directory, None)


def test_a_path_is_a_run_an_experiment_or_all_of_them(make_run: Callable[..., Path], tmp_path: Path) -> None:
    runs = [make_run("a", 0), make_run("a", 1), make_run("b", 0)]
    assert directories(runs[0]) == runs[:1]
    assert directories(tmp_path / "runs" / "a") == runs[:2]
    assert directories(tmp_path / "runs") == runs


def test_the_observers_that_can_are_asked(make_run: Callable[..., Path], catalogue: Catalogue, tmp_path: Path) -> None:
    paths = [make_run("a"), make_run("b", outcome=None)]
    said = list(sync(paths, catalogue))
    assert [(one.line, one.error) for one in said] == [("diary: a, seed 0", False), ("diary: b, seed 0", False)]
    text = (tmp_path / "diary.txt").read_text()
    assert text == "my-ctss-s0-1a2b3c4d finished\nmy-ctss-s0-1a2b3c4d running\n"


def test_one_that_says_nothing_is_complete(make_run: Callable[..., Path], catalogue: Catalogue, tmp_path: Path) -> None:
    directory = make_run(diary={"page": "silent", "file": str(tmp_path / "diary.txt")})
    (said,) = sync([directory], catalogue)
    assert said == Synced(read_run(directory)[0], "complete")


@pytest.mark.parametrize(("page", "line"), [("full", "diary: full; buy another"), ("torn", "OSError: torn")])
def test_one_that_fails_costs_the_others_nothing(
    make_run: Callable[..., Path], catalogue: Catalogue, tmp_path: Path, page: str, line: str
) -> None:
    good = {"use": "diary", "file": str(tmp_path / "diary.txt")}
    said = list(sync([make_run(diary={"page": page}, second=good)], catalogue))
    assert [(one.line, one.error) for one in said] == [(line, True), ("diary: demo, seed 0", False)]


def test_only_observers_with_the_parameter_get_a_tracking_uri_and_the_recipe_stays(small: Path) -> None:
    installed = discover()
    installed.add(Offer("observers", "tracker", Tracker, Schema.of(Tracker), "tests"))
    text = "observers={here: {use: tracker, tracking_uri: 'http://a', every: 3}, progress: {}}"
    recipe = load(small, installed, [text])
    made = make_observers(recipe.tree["observers"], installed, "http://me:secret@b")
    assert (made["here"].uri, made["here"].every, set(made)) == ("http://me:secret@b", 3, {"here", "progress"})
    assert "secret" not in str(recipe.tree)
    assert make_observers(recipe.tree["observers"], installed)["here"].uri == "http://a"


def test_a_tracking_uri_of_observers_as_data(catalogue: Catalogue) -> None:
    given: dict[str, dict[str, Any]] = {"tracker": {"every": 2}, "deaf": {}}
    for uri in ("http://b", None):
        made = make_observers(given, catalogue, uri)
        assert (made["tracker"].uri, made["tracker"].every, type(made["deaf"])) == (uri, 2, Deaf)
    assert given == {"tracker": {"every": 2}, "deaf": {}}


def damage(directory: Path, what: str) -> Path:
    if what == "name":
        return directory.rename(directory.with_name("renamed"))
    file, text = what.split(" ", 1)
    (directory / file).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("name", r"renamed: not the directory of a run \(runs/<experiment>/<recipe>-s<seed>-<hash>\)"),
        ("recipe.yaml [", "recipe.yaml, line 1: "),
        ("recipe.yaml observers: [diary]", r"recipe.yaml: observers: expected .*, got \['diary'\]"),
        ("recipe.yaml observers: {diary: 3}", r"recipe.yaml: observers: expected .*, got {'diary': 3}"),
        ("recipe.yaml observers: {dairy: {}}", "recipe.yaml: 'dairy': no such observer; did you mean 'diary'?"),
        ("recipe.yaml observers: {diary: {pag: a}}", "pag: unknown; did you mean 'page'?"),
        ("recipe.yaml observers: {deaf: {}}", r"nothing to sync to: its observers \(deaf\) record nothing"),
        ("recipe.yaml about: none", r"nothing to sync to: its observers \(none\) record nothing"),
        ("environment.json {", "environment.json: can't be read: "),
        ("environment.json 3", "environment.json: can't be read: "),
        ("outcome.json {}", "outcome.json: can't be read: "),
    ],
)
def test_what_cannot_be_read_is_one_line_before_anything_is_done(
    make_run: Callable[..., Path], catalogue: Catalogue, tmp_path: Path, what: str, says: str
) -> None:
    directory = damage(make_run("z"), what)
    paths = [directory] if "deaf" in what or "none" in what else [make_run("a"), directory]
    with pytest.raises(ToonlabError, match=says) as caught:
        list(sync(paths, catalogue))
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "diary.txt").exists()


def test_where_no_run_is(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match="nowhere: no such directory"):
        sync([tmp_path / "nowhere"], catalogue)
    with pytest.raises(ToonlabError, match="no run here; give runs/<experiment>/<run>"):
        sync([tmp_path], catalogue)


@pytest.fixture
def toonlab(ran: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command to its end, with no address of a store in its environment."""
    for key in [key for key in os.environ if key.endswith("_TRACKING_URI")]:
        monkeypatch.delenv(key)
    return ran


def test_the_command_says_a_line_for_each_run_and_fails_where_a_store_is_away(
    make_run: Callable[..., Path], toonlab: Callable[..., Any], tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/mine.db"
    for seed in (0, 1):
        make_run(seed=seed, mlflow={})
    done = toonlab("sync", "runs/demo", "--tracking-uri", store)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == [f"my-ctss-s{s}-1a2b3c4d:" for s in (0, 1)]
    assert (tmp_path / "mine.db").exists()
    assert not (tmp_path / "runs" / "mlflow.db").exists()
    away = toonlab("sync", "runs/demo/my-ctss-s0-1a2b3c4d", "--tracking-uri", "http://127.0.0.1:1")
    assert (away.returncode, away.stdout) == (1, "")
    (line,) = away.stderr.splitlines()
    assert line.startswith("error: my-ctss-s0-1a2b3c4d: MLflow at http://127.0.0.1:1: connection refused; nothing is")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sync", "nowhere"], "error: nowhere: no such directory"),
        (["sync", "."], "error: .: no run here"),
        (["sync", "runs", "--tracking-uri", "mlruns"], "mlflow: tracking_uri: got 'mlruns', expected a server"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    make_run: Callable[..., Path], toonlab: Callable[..., Any], arguments: list[str], says: str
) -> None:
    if arguments[1] == "runs":
        make_run(mlflow={})
    done = toonlab(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr
