"""The identity of a run, and the files of its directory.

The run directory is the truth; trackers only show it. Nothing here imports torch before a run is identified.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toonlab.errors import ToonlabError
from toonlab.types import Outcome, Run
from toonlab.utils import yaml
from toonlab.utils.reading import parse_json, read_bytes, read_json

from .formats import ENVIRONMENT, METRICS_LINE, OUTCOME

if TYPE_CHECKING:
    from toonlab.recipes.spec import Recipe
    from toonlab.registry.catalogue import Catalogue
    from toonlab.utils.distributed import DistributedContext

NUMBERS = (
    "toonlab.types",
    "toonlab.utils.rng",
    "toonlab.utils.distributed",
    "toonlab.ops",
    "toonlab.registry.protocols",
    "toonlab.registry.schema",
    "toonlab.recipes",
    "toonlab.images.io",
    "toonlab.engine",
)
"""The packages and modules of the core that the numbers of a run depend on, besides the plugins that its recipe uses.

`utils.distributed` is one of them for its averages over processes and its TF32 switch. What turns files and names into
a recipe (`utils.yaml`, the rest of `registry`) is not: the resolved recipe is part of the identity itself.
"""


FINAL = {"selected", "test"}
"""The kinds of lines in `metrics.jsonl` that a run writes at its end."""


def run_identity(recipe: Recipe, catalogue: Catalogue, manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The inputs of a run's numbers: its recipe, the code of core and used plugins, and by name the data it reads.

    Observers and their plugins, the cadence of logging and the recipe's name are left out: no number depends on them.
    """
    from toonlab.recipes.spec import CADENCE

    tree = {key: value for key, value in recipe.tree.items() if key not in ("about", "observers")}
    tree["train"] = {key: value for key, value in tree["train"].items() if key not in CADENCE}
    offers = [catalogue.get(part.kind, part.use) for part in recipe.parts]
    plugins = sorted({offer.factory.__module__.partition(".")[0] for offer in offers} - {"toonlab"})
    code = {"toonlab": source_hash(*NUMBERS), **{plugin: source_hash(plugin) for plugin in plugins}}
    distributions = sorted({offer.distribution for offer in offers})
    return {"recipe": tree, "code": code, "distributions": distributions, **manifests}


def digest(value: Any) -> str:
    """A short hash of JSON data; equal data have equal hashes."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


@cache
def source_hash(*names: str) -> str:
    """A hash of the Python sources of packages and modules, given by their dotted names."""
    state = hashlib.blake2b(digest_size=8)
    for name in names:
        for path, file in _sources(name):
            state.update(f"{name}/{path}".encode() + b"\0" + file.read_bytes())
    return state.hexdigest()


def _sources(name: str) -> Iterable[tuple[str, Path]]:
    """The Python files of a package or module, by their paths in it; none if its sources are unknown."""
    spec = sys.modules[name].__spec__ if name in sys.modules else find_spec(name)
    if spec is None or spec.origin is None:
        return
    origin = Path(spec.origin)
    for file in sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]:
        yield file.relative_to(origin.parent).as_posix(), file


def what_changed(directory: Path, now: Mapping[str, Any]) -> str:
    """The differences between the identity of a directory's run and its identity `now`, in words."""
    then = read_environment(directory).get("identity", {})
    changed = differences(then, now) or ["its recipe"]
    return f"{' and '.join(changed)} {'have' if len(changed) > 1 else 'has'} changed"


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two identities, their recipes apart: `the code of toonlab`, `the data`, …"""
    others = [key for key in now if key not in ("recipe", "code") and then.get(key) != now[key]]
    changed = [f"the {key}{_recounted(then.get(key), now[key])}" for key in others]
    packages = {**then.get("code", {}), **now["code"]}
    changed += [f"the code of {p}" for p in packages if then.get("code", {}).get(p) != now["code"].get(p)]
    return changed


def _recounted(then: Any, now: Any) -> str:
    """Which folders have another number of pictures than before, for example because one was removed or repaired."""
    pairs = (
        [(role, then.get(role), now[role]) for role in now] if isinstance(then, dict) and isinstance(now, dict) else []
    )
    counts = [
        f"{role}: {after['pictures']} pictures, {before['pictures']} when it began"
        for role, before, after in pairs
        if isinstance(before, dict) and isinstance(after, dict) and before.get("pictures") != after.get("pictures")
    ]
    return f" ({'; '.join(counts)})" if counts else ""


def environment(
    distributed: DistributedContext, identity: Mapping[str, Any], command: str | None = None, study: str | None = None
) -> dict[str, Any]:
    """A run's device, threads, versions, command, commit and date (UTC), its study if any, its identity's parts."""
    import torch

    from toonlab.utils.distributed import device_name

    device = distributed.device
    packages = ("toonlab", "torch", "torchvision", "numpy", "opencv-python", "torchmetrics", "mlflow", "optuna")
    return {
        "device": str(device),
        "device_name": device_name(device),
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "processes": distributed.size,
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {package: _version(package) for package in packages},
        "command": command or "",
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"study": study} if study else {}),
        "identity": {key: value for key, value in identity.items() if key != "recipe"},
    }


def _version(package: str) -> str | None:
    with suppress(PackageNotFoundError):
        return version(package)
    return None


def _commit() -> str | None:
    """The commit of toonlab's own git checkout, with `-dirty` if that has changes; None where there is none.

    A checkout that toonlab is only installed in, in a virtual environment, does not track this file.
    """
    git, found = ["git", "-C", str(Path(__file__).parent)], ""
    with suppress(OSError, subprocess.SubprocessError):
        tracked = ["ls-files", "--error-unmatch", Path(__file__).name]
        for command in (tracked, ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]):
            done = subprocess.run([*git, *command], capture_output=True, text=True, check=True, timeout=10)
            found = done.stdout.strip()
        return found or None
    return None


# -- files


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a half.

    Raises:
        OSError: with the file's name, if it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


_UNFINISHED = re.compile(r"\..+\.(\d+|[0-9a-f]{32})")  # the name, and the number of a process or the key of a run


def sweep(paths: Iterable[Path]) -> None:
    """Delete those of some files and folders that killed processes have left unfinished, under temporary names."""
    for path in [path for path in paths if _UNFINISHED.fullmatch(path.name)]:
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Within, what can't be written in a directory of runs is a user's error.

    Raises:
        ToonlabError: in place of an OSError, except one of a lock that is waited for.
    """
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        text = f"{directory}: can't be written: {error.strerror}; choose another folder with --runs"
        raise ToonlabError(text) from error


def make_directory(directory: Path) -> None:
    """Make a directory of runs and those above it.

    Raises:
        ToonlabError: if it can't be made.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)


def prepare(run: Run) -> None:
    """Make the run directory with `recipe.yaml` and `environment.json`.

    Raises:
        ToonlabError: if the directory can't be made or written.
    """
    with writing(run.directory):
        (run.directory / "samples").mkdir(parents=True, exist_ok=True)
        (run.directory / "checkpoints").mkdir(exist_ok=True)
        write_atomically(run.directory / "recipe.yaml", yaml.dump(dict(run.recipe)))
        write_atomically(run.directory / "environment.json", json.dumps(run.environment, indent=1) + "\n")


def read_outcome(directory: Path) -> Outcome | None:
    """The outcome of a directory's run; None if it has not ended.

    Raises:
        ToonlabError: if the file is damaged.
    """
    try:
        return read_json(directory / "outcome.json", OUTCOME, "delete it to run again")
    except FileNotFoundError:
        return None


def read_environment(directory: Path) -> dict[str, Any]:
    """The environment of a directory's run; empty if there is no file.

    Raises:
        ToonlabError: if the file is damaged.
    """
    try:
        found: dict[str, Any] = read_json(directory / "environment.json", ENVIRONMENT, "delete it to do without")
    except FileNotFoundError:
        return {}
    return found


def write_outcome(directory: Path, outcome: Outcome) -> None:
    write_atomically(directory / "outcome.json", json.dumps(outcome.to_json(), indent=1) + "\n")


class MetricsFile:
    """`metrics.jsonl`: a line per logged step or evaluation; lines are only ever appended, until a run is resumed."""

    def __init__(self, path: Path, keep: int, expected: int = 0) -> None:
        """Delete the lines of steps after `keep`, the checkpoint's step that the run resumes from; at 0, all lines.

        Those of a final evaluation are deleted, too: the resumed run writes them at its end. Fewer lines than were
        `expected` are warned of.
        """
        kept = [line for line in read_metrics(path) if 0 < line["step"] <= keep and not line.keys() & FINAL]
        later = [line for line in kept if line["step"] == keep and "evaluation" in line]  # than the checkpoint
        if (gone := expected - len(kept) + len(later)) > 0:
            text = f"{path}: {gone} of the {expected} lines up to step {keep} {'is' if gone == 1 else 'are'} gone"
            warnings.warn(f"{text}; the run's charts will lack them", RuntimeWarning, stacklevel=2)
        self.count = len(kept)
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, step: int, kind: str, values: Mapping[str, float], **more: Mapping[str, float]) -> None:
        """`kind` is `scalars`, `evaluation`, `selected` or `test`; a line carries the time, in seconds since 1970."""
        time = round(datetime.now(UTC).timestamp(), 3)
        self._file.write(json.dumps({"step": step, "time": time, kind: dict(values), **more}) + "\n")
        self.count += 1

    def close(self) -> None:
        self._file.close()


def read_metrics(path: Path) -> Iterable[dict[str, Any]]:
    """The lines of a `metrics.jsonl`; a last one that a kill cut short is left out, damaged ones with a warning.

    Raises:
        ToonlabError: if the file can't be read.
    """
    try:
        *lines, last = read_bytes(path, "move it away to resume without it", largest=2**30).split(b"\n")
    except FileNotFoundError:
        return
    damaged = []
    for number, line in enumerate([*lines, last], 1):
        try:
            yield parse_json(line, METRICS_LINE)
        except ValueError as error:
            damaged += [f"line {number}: {error}"] if number <= len(lines) else []
    if damaged:
        count = f"{len(damaged)} damaged lines are" if len(damaged) > 1 else "the line is"
        warnings.warn(f"{path}: {damaged[0]}; {count} left out", RuntimeWarning, stacklevel=2)
