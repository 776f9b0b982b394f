"""Which address applies, which are valid, and what of one may be shown."""

from __future__ import annotations

import pytest

from toonlab import PartError
from toonlab_mlflow.address import resolve_address, runs_page


@pytest.fixture(autouse=True)
def _no_address_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_parameter_precedes_mlflows_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_address(None) is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://variable:5000")
    assert resolve_address(None) == "http://variable:5000"
    assert resolve_address("http://recipe:5000") == "http://recipe:5000"


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
    assert resolve_address(uri) == uri


@pytest.mark.parametrize("uri", ["host:port", "mlruns", "./mlruns", "file:///mlruns", "http://", "http://host:port"])
def test_what_mlflow_keeps_no_runs_under_is_refused(uri: str) -> None:
    with pytest.raises(PartError, match=r"mlflow: tracking_uri: got '.*', expected a server"):
        resolve_address(uri)


def test_an_error_names_its_source_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PartError, match="mlflow: tracking_uri: got '…@host:port'"):
        resolve_address("http://me:secret@host:port")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@host:port")
    with pytest.raises(PartError, match="mlflow: MLFLOW_TRACKING_URI: got '…@host:port'"):
        resolve_address(None)


def test_the_runs_of_a_study_are_in_one_list_with_those_below_them() -> None:
    page = "/#/experiments/3/runs?workflowType=machine_learning"
    assert runs_page("3", flat=False) == page
    assert runs_page("3", flat=True).startswith(f"{page}&orderByKey=")
