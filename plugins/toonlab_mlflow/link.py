"""Which MLflow run a run directory belongs to: `mlflow.json`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_FILE = "mlflow.json"


def read(directory: Path, uri: str) -> str | None:
    """The id of the MLflow run, if the file is there and speaks of this store."""
    try:
        known = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return str(known["run_id"]) if known["tracking_uri"] == without_password(uri) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(directory: Path, uri: str, run_id: str) -> None:
    """Write the file, whole or not at all."""
    new = directory / f"{_FILE}.new"
    text = json.dumps({"tracking_uri": without_password(uri), "run_id": run_id}, indent=2)
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(directory / _FILE)


def without_password(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.netloc.rpartition('@')[2]}"))
