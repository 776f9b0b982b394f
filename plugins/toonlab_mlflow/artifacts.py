"""Files of a run directory, kept as artifacts of an MLflow run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient


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
        paths = sorted(path for path in (self.directory / "samples").rglob("[!.]*") if path.is_file())
        return sum(self._send(path) for path in paths)

    def _send(self, path: Path) -> bool:
        name, size = path.relative_to(self.directory), path.stat().st_size
        if self._sizes.get(name.as_posix()) == size:
            return False
        self.client.log_artifact(self.run_id, str(path), name.parent.as_posix())
        self._sizes[name.as_posix()] = size
        return True

    @property
    def last_weights(self) -> Path | None:
        """The weights of the last checkpoint."""
        return max(self.directory.glob("checkpoints/step-*/generator.safetensors"), default=None)

    def send_weights(self, path: Path) -> None:
        self.client.log_artifact(self.run_id, str(path), "weights")

    def _listed(self, folder: str | None = None) -> Iterator[tuple[str, int | None]]:
        for artifact in self.client.list_artifacts(self.run_id, folder):
            if artifact.is_dir:
                yield from self._listed(artifact.path)
            else:
                yield artifact.path, artifact.file_size
