"""A run directory as MLflow knows it: the key of its MLflow run, and the files that are kept as artifacts.

The key is in `mlflow.json`, and a tag of the MLflow run. It is written before the MLflow run is created. A process that
is killed in between, or loses the server's answer, therefore finds that MLflow run again and creates no second one. The
key holds in every store.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "toonlab.run"
_FILE = "mlflow.json"


def run_key(directory: Path) -> str:
    """The directory's key; created and written if it has none."""
    if key := read_key(directory):
        return key
    key = uuid.uuid4().hex
    temporary = directory / f".{_FILE}.{key}"
    temporary.write_text(json.dumps({TAG: key}) + "\n", encoding="utf-8")
    temporary.replace(directory / _FILE)
    return key


def read_key(directory: Path) -> str | None:
    """The key; None if the file is missing or damaged."""
    try:
        key = TypeAdapter(dict[str, str]).validate_json((directory / _FILE).read_bytes())[TAG]
    except (OSError, ValueError, KeyError):
        return None
    return key if isinstance(key, str) and key.isalnum() else None


class Artifacts:
    """Recipe, environment and sample images under their paths, and the last weights under `weights/`.

    Args:
        resumed: whether MLflow may have files of this run already.
    """

    def __init__(self, client: MlflowClient, run_id: str, directory: Path, resumed: bool) -> None:
        self.client, self.run_id, self.directory = client, run_id, directory
        self._sizes = dict(self._listed()) if resumed else {}

    def send_texts(self) -> None:
        """Send recipe and environment; files of an earlier process are replaced."""
        for path in (self.directory / "recipe.yaml", self.directory / "environment.json"):
            if path.is_file():
                self.client.log_artifact(self.run_id, str(path))

    def send_samples(self) -> int:
        """Send the sample images of which MLflow has no file of that size; returns their number."""
        sent = 0
        for path in sorted((self.directory / "samples").rglob("[!.]*")):
            name, size = path.relative_to(self.directory), path.stat().st_size
            if path.is_file() and self._sizes.get(name.as_posix()) != size:
                self.client.log_artifact(self.run_id, str(path), name.parent.as_posix())
                self._sizes[name.as_posix()] = size
                sent += 1
        return sent

    @property
    def last_weights(self) -> Path | None:
        """The weights of the last checkpoint."""
        return max(self.directory.glob("checkpoints/step-*/generator.safetensors"), default=None)

    def _listed(self, folder: str | None = None) -> Iterator[tuple[str, int | None]]:
        for artifact in self.client.list_artifacts(self.run_id, folder):
            if artifact.is_dir:
                yield from self._listed(artifact.path)
            else:
                yield artifact.path, artifact.file_size
