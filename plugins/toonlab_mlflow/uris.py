"""Tracking URIs: which one counts, whether it can be one, and how it may be shown."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from toonlab import PartError

_EXPECTED = "expected a server (http://host:5000) or a database (sqlite:////path/mlflow.db, postgresql://…)"


def override() -> str | None:
    """What the option `--tracking-uri` says."""
    return os.environ.get("TOONLAB_TRACKING_URI")


def chosen(given: str | None) -> str | None:
    """What the command line says, else the recipe, else MLflow's own variable; None: nobody says anything.

    Raises:
        PartError: if it is not a URI that MLflow keeps new runs under.
    """
    told = {"--tracking-uri": override(), "observers.mlflow.tracking_uri": given}
    told |= {"MLFLOW_TRACKING_URI": os.environ.get("MLFLOW_TRACKING_URI")}
    for source, uri in told.items():
        if uri:
            _check(uri, source)
            return uri
    return None


def default(root: Path) -> str:
    """SQLite beside the runs."""
    return f"sqlite:///{(root / 'mlflow.db').resolve().as_posix()}"


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _check(uri: str, source: str) -> None:
    try:
        parts = urlsplit(uri)
        complete = bool(parts.hostname and (parts.port is None or parts.port > 0)) if is_server(uri) else True
    except ValueError:  # a port that is no number
        complete = False
    if not complete or uri.startswith("file:") or not ("://" in uri or uri == "databricks"):
        shown = uri if "@" not in uri else f"…@{uri.rpartition('@')[2]}"
        raise PartError(f"mlflow: {source}: got {shown!r}, {_EXPECTED}")
