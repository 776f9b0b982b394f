"""Addresses of MLflow's stores: which one applies, and whether it is valid."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from toonlab import PartError, sqlite_url

_EXPECTED = "expected a server (http://host:5000) or a database (sqlite:////path/mlflow.db, postgresql://…)"


def resolve_address(tracking_uri: str | None) -> str | None:
    """The parameter, else MLflow's own variable `MLFLOW_TRACKING_URI`; None if neither is set.

    Raises:
        PartError: if it is no address at which MLflow keeps runs.
    """
    for source, uri in (("tracking_uri", tracking_uri), ("MLFLOW_TRACKING_URI", os.environ.get("MLFLOW_TRACKING_URI"))):
        if uri:
            _check(uri, source)
            return uri
    return None


def default_address(root: Path) -> str:
    """SQLite in the folder of all runs."""
    return sqlite_url(root / "mlflow.db")


def runs_page(experiment: str, flat: bool) -> str:
    """The page of an experiment's runs, as the end of an address; `flat` shows those below others too, by name."""
    order = "&orderByKey=tags.%60mlflow.runName%60&orderByAsc=true" if flat else ""
    return f"/#/experiments/{experiment}/runs?workflowType=machine_learning{order}"


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _check(uri: str, source: str) -> None:
    try:
        parts = urlsplit(uri)
        complete = not is_server(uri) or bool(parts.hostname and (parts.port is None or parts.port > 0))
    except ValueError:  # a port that is no number
        complete = False
    if not complete or uri.startswith("file:") or not ("://" in uri or uri == "databricks"):
        shown = uri if "@" not in uri else f"…@{uri.rpartition('@')[2]}"
        raise PartError(f"mlflow: {source}: got {shown!r}, {_EXPECTED}")
