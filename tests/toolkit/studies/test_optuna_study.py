"""The Optuna study of a search: interrupted trials, pruning, and a database that is away or is none."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from toonlab.errors import ToonlabError
from toonlab.studies.optuna_study import ENDED, INSTEAD_OF, OptunaStudy

K = {"k": optuna.distributions.IntDistribution(1, 9)}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with Optuna's tables, which take a second to make."""
    path = tmp_path_factory.mktemp("tables") / "new" / "studies.db"
    with OptunaStudy(f"sqlite:///{path}", "before") as study:
        assert study.importances() == {}
    return path


@pytest.fixture
def url(tables: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(tables, tmp_path)}"


@pytest.fixture
def study(url: str) -> Iterator[OptunaStudy]:
    with OptunaStudy(url, "study") as study:
        yield study


def test_a_waiting_trial_comes_first_with_its_parameters(study: OptunaStudy) -> None:
    study.add({"default": True}, {"k": 4}, K)
    trial = study.ask(K)
    assert (trial.number, trial.params) == (0, {"k": 4})
    assert study.ask(K).number == 1


def test_a_trial_ends_with_its_value_and_attributes(study: OptunaStudy) -> None:
    study.tell(study.ask(K), TrialState.COMPLETE, 0.7, {"seeds": {"0": 0.7}})
    (ended,) = study.trials()
    assert (ended.state, ended.value) == (TrialState.COMPLETE, 0.7)
    assert ended.user_attrs == {"seeds": {"0": 0.7}, ENDED: "COMPLETE"}


def test_a_trial_that_lags_behind_is_pruned(url: str) -> None:
    pruner = optuna.pruners.MedianPruner(n_startup_trials=2)
    with OptunaStudy(url, "pruned", pruner=pruner) as study:
        for value in (0.7, 0.8):
            trial = study.ask(K)
            assert not study.report(trial, {10: value})
            study.tell(trial, TrialState.COMPLETE, value, {})
        assert study.report(study.ask(K), {10: 0.1})


def interrupted(study: OptunaStudy) -> list[FrozenTrial]:
    return [
        trial for trial in study.trials() if trial.state == TrialState.FAIL and trial.user_attrs.get(ENDED) != "FAIL"
    ]


def test_interrupted_trials_are_repeated_once_in_their_order(study: OptunaStudy, url: str) -> None:
    study.tell(study.ask(K), TrialState.COMPLETE, 0.7, {})
    lost = [study.ask(K), study.ask(K)]
    study.tell(study.ask(K), TrialState.FAIL, None, {"reason": "diverged"})  # it has ended: it is not repeated
    for _ in range(2):  # the program of the next start ends, too, before it has asked for any
        with OptunaStudy(url, "study") as again:
            again.requeue_interrupted()
    waiting = study.trials(TrialState.WAITING)
    assert [trial.user_attrs[INSTEAD_OF] for trial in waiting] == [1, 2]
    assert [trial.params for trial in waiting] == [trial.params for trial in lost]
    assert [trial.number for trial in interrupted(study)] == [1, 2]


def test_a_repetition_that_is_interrupted_stands_for_the_first_one(study: OptunaStudy) -> None:
    study.ask(K)
    study.requeue_interrupted()
    study.ask(K)
    study.requeue_interrupted()
    (waiting,) = study.trials(TrialState.WAITING)
    assert (waiting.number, waiting.user_attrs[INSTEAD_OF]) == (2, 0)


def test_a_study_keeps_its_trials_and_others_do_not_see_them(study: OptunaStudy, url: str) -> None:
    study.add({})
    with OptunaStudy(url, "study") as again, OptunaStudy(url, "another", maximize=[False]) as another:
        assert len(again.trials()) == 1
        assert another.trials() == []


def test_a_database_that_is_away_is_waited_for_until_everything_is_to_stop(study: OptunaStudy, tmp_path: Path) -> None:
    """The message is that of the database, not of Optuna, which guesses at its reasons."""
    (path,) = tmp_path.glob("*.db")
    study.trials()
    path.write_bytes(b"no database" * 1000)
    looks: list[str] = []

    def stopping() -> str | None:
        looks.append("")
        return "signal SIGTERM" if len(looks) > 2 else None

    study.stopping = stopping
    with (
        pytest.warns(RuntimeWarning, match=r"storage sqlite:.*(not a database|malformed); waiting for it"),
        pytest.raises(ToonlabError, match=r"storage sqlite:.*(not a database|malformed)$"),
    ):
        study.add({})
    assert len(looks) == 3


def test_mlflows_database_is_refused_in_a_line(tmp_path: Path) -> None:
    """Both keep the version of their schema in a table of the same name."""
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('acf3f17fdcc7')")
    connection.close()
    with pytest.raises(ToonlabError, match=r"--storage sqlite:///.*mlflow\.db: .*; give Optuna a database of its own"):
        OptunaStudy(f"sqlite:///{tmp_path / 'mlflow.db'}", "study")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense://there", "expected an address such as sqlite:///studies.db"),
        (
            "postgresql+pg8000://me:secret@localhost/studies",
            "--storage postgresql.*me@localhost.*: No module named 'pg8000'; pip install pg8000",
        ),
    ],
)
def test_what_is_no_database_is_told_in_a_line_without_the_password(url: str, says: str) -> None:
    with pytest.raises(ToonlabError, match=says) as caught:
        OptunaStudy(url, "study")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
