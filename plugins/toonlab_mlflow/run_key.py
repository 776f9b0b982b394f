"""The key that links a run directory with its MLflow run: kept in `mlflow.json`, and as a tag of the MLflow run.

The key is written before the MLflow run is created. A process that is killed in between, or loses the server's answer,
therefore finds that MLflow run again and creates no second one. The key holds in every store.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

TAG = "toonlab.run"
_FILE = "mlflow.json"


def run_key(directory: Path) -> str:
    """The directory's key; created and written if it has none."""
    return read_key(directory) or _create(directory)


def read_key(directory: Path) -> str | None:
    """The key; None if the file is missing or damaged."""
    try:
        key = json.loads((directory / _FILE).read_text(encoding="utf-8"))[TAG]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) and key.isalnum() else None


def _create(directory: Path) -> str:
    key = uuid.uuid4().hex
    temporary = directory / f".{_FILE}.{key}"
    temporary.write_text(json.dumps({TAG: key}) + "\n", encoding="utf-8")
    temporary.replace(directory / _FILE)
    return key
