"""The key that links a run directory with its MLflow run: kept in `mlflow.json`, and as a tag of the MLflow run.

The key is written before the MLflow run is created. A process that is killed in between, or loses the server's answer,
therefore finds that MLflow run again and creates no second one. The key holds in every store.
"""

from __future__ import annotations

import json
import uuid
from hashlib import blake2b
from pathlib import Path

TAG = "toonlab.run"
_FILE, _RECEIPT = "mlflow.json", ".mlflow-report"


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


def report_receipt(uri: str, page: Path) -> str:
    """Identifies a report in a store, without the store's password; a page that is missing is like an empty one."""
    content = page.read_bytes() if page.is_file() else b""
    return blake2b(uri.encode() + b"\0" + content, digest_size=16).hexdigest()


def read_receipt(directory: Path) -> str | None:
    """The receipt of the last report that a store has taken with this run; None if there is none."""
    path = directory / _RECEIPT
    return path.read_text(encoding="utf-8") if path.is_file() else None


def write_receipt(directory: Path, receipt: str) -> None:
    (directory / _RECEIPT).write_text(receipt, encoding="utf-8")
