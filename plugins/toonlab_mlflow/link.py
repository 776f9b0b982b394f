"""Which MLflow run a run directory belongs to: a key, kept in `mlflow.json` and as a tag of the MLflow run.

The key is written before the MLflow run is made. So a run that is killed in between, or whose server makes the MLflow
run but is not heard any more, finds that one again and makes no second; and it is found in every store that has it.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

TAG = "toonlab.run"
_FILE = "mlflow.json"


def key(directory: Path) -> str:
    """The directory's key, made and written if it has none."""
    return read(directory) or _new(directory)


def read(directory: Path) -> str | None:
    """The key, if the file is there and whole."""
    try:
        known = json.loads((directory / _FILE).read_text(encoding="utf-8"))[TAG]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if isinstance(known, str) and known.isalnum() else None


def _new(directory: Path) -> str:
    made = uuid.uuid4().hex
    new = directory / f".{_FILE}.{made}"
    new.write_text(json.dumps({TAG: made}) + "\n", encoding="utf-8")
    new.replace(directory / _FILE)
    return made
