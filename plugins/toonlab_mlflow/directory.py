"""A run directory as MLflow knows it: the key of its MLflow run, and the files that are kept as artifacts.

The key is in `mlflow.json`, and a tag of the MLflow run. It is written before the MLflow run is created. A process that
is killed in between, or loses the server's answer, therefore finds that MLflow run again and creates no second one. The
key holds in every store. The file also has the id of the run's experiment in each store, so that its page can be named
without a question to the store.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image
from pydantic import TypeAdapter

from .values import legal_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "toonlab.run"
_FILE = "mlflow.json"


def run_key(directory: Path) -> str:
    """The directory's key; created and written if it has none."""
    if key := read_key(directory):
        return key
    key = uuid.uuid4().hex
    _write(directory, {TAG: key})
    return key


def read_key(directory: Path) -> str | None:
    """The key; None if the file is missing or damaged."""
    return _read(directory).get(TAG)


def remember_experiment(directory: Path, store: str, experiment: str) -> None:
    """Write the id that the directory's experiment has in a store, given by its address."""
    if (known := _read(directory)).get(store) != experiment:
        _write(directory, {**known, store: experiment})


def read_experiment(directory: Path, store: str) -> str | None:
    """The id of the directory's experiment in a store; None if it is unknown."""
    return _read(directory).get(store)


def _read(directory: Path) -> dict[str, str]:
    """The entries that can be keys or ids."""
    try:
        found = TypeAdapter(dict[str, str]).validate_json((directory / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: text for name, text in found.items() if text.isalnum()}


def _write(directory: Path, entries: Mapping[str, str]) -> None:
    temporary = directory / f".{_FILE}.{uuid.uuid4().hex}"
    temporary.write_text(json.dumps(entries) + "\n", encoding="utf-8")
    temporary.replace(directory / _FILE)


class Artifacts:
    """Recipe and environment under their paths, the sample images as those of MLflow's image grid.

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
            name, size = image_name(path.relative_to(self.directory)), path.stat().st_size
            if path.is_file() and self._sizes.get(f"images/{name}.png") != size:
                self._send_image(path, name)
                self._sizes[f"images/{name}.png"] = size
                sent += 1
        return sent

    def _send_image(self, path: Path, name: str) -> None:
        """Send a picture for the image grid; the original last, which says that both are there."""
        with TemporaryDirectory() as folder:
            small, original = Path(folder, f"{name}+compressed.webp"), Path(folder, f"{name}.png")
            with Image.open(path) as image:
                image.convert("RGB").save(small)
            shutil.copy(path, original)
            for file in (small, original):
                self.client.log_artifact(self.run_id, str(file), "images")

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


def image_name(path: Path) -> str:
    """`samples/step-00000020.png` -> the name under which MLflow's image grid shows it, by key and step.

    `MlflowClient.log_image` would give the same, but with the time and a random number in it: a second picture of the
    step would stand next to the first.
    """
    found = re.fullmatch(r"(.*?)(?:[-/]step-(\d+))?", path.with_suffix("").as_posix())
    assert found is not None  # everything matches
    key = legal_name("samples/sheet" if found[1] == "samples" else found[1]).replace("/", "~")
    return f"{key}+step+{int(found[2] or 0)}+timestamp+0+toonlab"
