"""What identifies a run, and the files of its directory.

The run directory is the truth; trackers only show it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ..utils import yaml
from ..utils.distributed import DistributedContext, device_name
from ..errors import ToonlabError
from ..registry.observers import Outcome, Run
from ..registry.catalogue import Catalogue
from ..recipes.spec import CADENCE, Recipe

# Subpackages of the core that run around trainings: no number of a run depends on them.
AROUND = frozenset({"api", "cli", "report", "scaffold", "studies", "testing", "inference", "stats"})


def run_identity(recipe: Recipe, catalogue: Catalogue, manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that decides what a run computes: the recipe, the code of core and plugins, and by name what it reads.

    Observers, the cadence of logging and the recipe's name are left out, since they change nothing.
    """
    tree = copy.deepcopy(recipe.tree)
    for key in ("about", "observers"):
        tree.pop(key, None)
    tree["train"] = {key: value for key, value in tree["train"].items() if key not in CADENCE}
    factories = {catalogue.get(part.kind, part.use).factory.__module__.partition(".")[0] for part in recipe.parts}
    code = {package: source_hash(package) for package in sorted(factories)}
    code["toonlab"] = source_hash("toonlab", AROUND)
    distributions = sorted({catalogue.get(part.kind, part.use).distribution for part in recipe.parts})
    return {"recipe": tree, "code": code, "distributions": distributions, **manifests}


def digest(value: Any) -> str:
    """A short hash of JSON data, equal wherever the data are equal."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


@cache
def source_hash(package: str, without: frozenset[str] = frozenset()) -> str:
    """A hash of a package's (or module's) Python sources, `without` some of its subpackages."""
    spec = sys.modules[package].__spec__ if package in sys.modules else None
    if spec is None or spec.origin is None:
        return "unknown"
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    state = hashlib.blake2b(digest_size=8)
    for file in files:
        path = file.relative_to(origin.parent)
        if path.parts[0] not in without:
            state.update(path.as_posix().encode() + b"\0" + file.read_bytes())
    return state.hexdigest()


def what_changed(directory: Path, now: Mapping[str, Any]) -> str:
    """What a run's identity differs in from that of a directory, in words."""
    then = json.loads((directory / "environment.json").read_text(encoding="utf-8")).get("identity", {})
    changed = [f"the {key}" for key in now if key not in ("recipe", "code") and then.get(key) != now[key]]
    packages = {**then.get("code", {}), **now["code"]}
    changed += [f"the code of {p}" for p in packages if then.get("code", {}).get(p) != now["code"].get(p)]
    return f"{' and '.join(changed) or 'its recipe'} {'have' if len(changed) > 1 else 'has'} changed"


def environment(
    distributed: DistributedContext, what: Mapping[str, Any], command: str | None = None, study: str | None = None
) -> dict[str, Any]:
    """What a run runs on: device, threads, versions, the command and the date (UTC), and its identity's parts.

    `study` is what the run is part of, if of anything.
    """
    device = distributed.device
    packages = ("toonlab", "torch", "torchvision", "numpy", "opencv-python", "torchmetrics", "mlflow", "optuna")
    return {
        "device": str(device),
        "device_name": device_name(device),
        "processes": distributed.size,
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {package: _version(package) for package in packages},
        "command": command or "",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"study": study} if study else {}),
        "identity": {key: value for key, value in what.items() if key != "recipe"},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


# -- files


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def make_directory(directory: Path) -> None:
    """Make a directory of runs and those above it.

    Raises:
        ToonlabError: if it can't be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(directory, error) from error


def _unwritable(directory: Path, error: OSError) -> ToonlabError:
    return ToonlabError(f"{directory}: can't be written: {error.strerror}; choose another folder with --runs")


def prepare(run: Run) -> None:
    """Make the run directory with `recipe.yaml` and `environment.json`.

    Raises:
        ToonlabError: if the directory can't be made or written.
    """
    try:
        (run.directory / "samples").mkdir(parents=True, exist_ok=True)
        (run.directory / "checkpoints").mkdir(exist_ok=True)
        write_atomically(run.directory / "recipe.yaml", yaml.dump(dict(run.recipe)))
        write_atomically(run.directory / "environment.json", json.dumps(run.environment, indent=1) + "\n")
    except OSError as error:
        raise _unwritable(run.directory, error) from error


def read_outcome(directory: Path) -> Outcome | None:
    """How the run of a directory ended; None while it has not."""
    path = directory / "outcome.json"
    try:
        return Outcome(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        raise ToonlabError(f"{path}: not an outcome: {error}; delete it to run again") from error


def write_outcome(directory: Path, outcome: Outcome) -> None:
    write_atomically(directory / "outcome.json", json.dumps(outcome.to_json(), indent=1) + "\n")


class MetricsFile:
    """`metrics.jsonl`: a line per logged step or evaluation, append-only within a life."""

    def __init__(self, path: Path, keep: int) -> None:
        """Lines of steps beyond `keep` (from a life after the checkpoint that the run resumes from) are cut.

        A life that begins at step 0 keeps none.
        """
        kept = [line for line in read_metrics(path) if 0 < line["step"] <= keep]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, step: int, kind: str, values: Mapping[str, float]) -> None:
        """`kind` is `scalars` or `evaluation`; a line carries the time, in seconds since 1970."""
        time = round(datetime.now(UTC).timestamp(), 3)
        self._file.write(json.dumps({"step": step, "time": time, kind: dict(values)}) + "\n")

    def close(self) -> None:
        self._file.close()


def read_metrics(path: Path) -> Iterable[dict[str, Any]]:
    """The whole lines of a `metrics.jsonl`; one that a kill cut short is left out."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
