from __future__ import annotations

import pytest

from toonlab import PartError
from toonlab_mlflow import uris


def test_the_command_line_wins_then_the_recipe_then_mlflows_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert uris.chosen(None) is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://variable:5000")
    assert uris.chosen(None) == "http://variable:5000"
    assert uris.chosen("http://recipe:5000") == "http://recipe:5000"
    monkeypatch.setenv("TOONLAB_TRACKING_URI", "http://command:5000")
    assert uris.chosen("http://recipe:5000") == "http://command:5000"


@pytest.mark.parametrize(
    "uri",
    [
        "http://host",
        "https://me:secret@host:5000/prefix",
        "sqlite:////runs/mlflow.db",
        "postgresql+psycopg://me:secret@host/db",
        "databricks",
        "databricks://profile",
    ],
)
def test_servers_and_databases_are_taken(uri: str) -> None:
    assert uris.chosen(uri) == uri


@pytest.mark.parametrize("uri", ["host:port", "mlruns", "./mlruns", "file:///mlruns", "http://", "http://host:port"])
def test_what_mlflow_keeps_no_runs_under_is_refused(uri: str) -> None:
    with pytest.raises(PartError, match=r"mlflow: observers\.mlflow\.tracking_uri: got '.*', expected a server"):
        uris.chosen(uri)


def test_an_error_names_its_source_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOONLAB_TRACKING_URI", "http://me:secret@host:port")
    with pytest.raises(PartError, match="--tracking-uri: got '…@host:port'"):
        uris.chosen(None)
