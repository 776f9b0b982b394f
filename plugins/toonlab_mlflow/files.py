"""Files of a run directory, kept as artifacts of an MLflow run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TEXTS = ("recipe.yaml", "environment.json")


class Files:
    """Recipe, environment and sample images under their paths, and the last weights under `weights/`."""

    def __init__(self, client: MlflowClient, run_id: str, directory: Path) -> None:
        self.client, self.run_id, self.directory = client, run_id, directory
        self._known: dict[str, tuple[int | None, int | None]] = {}  # path -> bytes, and modification time if sent here
        self._doubtful: set[str] = set()

    def take_stock(self) -> None:
        """Ask what MLflow has. Texts of an equal length may be those of an earlier life: they are sent once more."""
        self._known = {path: (size, None) for path, size in self._listed()}
        self._doubtful = set(_TEXTS)

    def _listed(self, folder: str | None = None) -> Iterator[tuple[str, int | None]]:
        for artifact in self.client.list_artifacts(self.run_id, folder):
            if artifact.is_dir:
                yield from self._listed(artifact.path)
            else:
                yield artifact.path, artifact.file_size

    def send(self) -> int:
        """Send what is new or has changed; how many files that were."""
        pictures = sorted((self.directory / "samples").rglob("[!.]*"))
        paths = [*(self.directory / name for name in _TEXTS), *pictures]
        return sum(self._send(path) for path in paths if path.is_file())

    def _send(self, path: Path) -> bool:
        """Send a file, unless MLflow has one of its size or this object has sent it as it is."""
        name = path.relative_to(self.directory).as_posix()
        status = path.stat()
        size, modified = self._known.get(name, (None, None))
        new = size != status.st_size or modified not in (None, status.st_mtime_ns)
        if new or name in self._doubtful:
            self.client.log_artifact(self.run_id, str(path), Path(name).parent.as_posix().removeprefix("."))
            self._doubtful.discard(name)
        self._known[name] = (status.st_size, status.st_mtime_ns)
        return new

    @property
    def last_weights(self) -> Path | None:
        """The weights of the last checkpoint."""
        return max(self.directory.glob("checkpoints/step-*/generator.safetensors"), default=None)

    def send_weights(self, path: Path) -> None:
        self.client.log_artifact(self.run_id, str(path), "weights")
