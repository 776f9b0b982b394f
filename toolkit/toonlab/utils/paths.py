"""The paths of recipes, experiments and the cache, in a checkout and in an installed wheel."""

import os
import re
from pathlib import Path

from toonlab.errors import ToonlabError, nearest

from .reading import shortened
from .text import printable

_PACKAGE = Path(__file__).parents[1]
_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")


def root() -> Path:
    """The folder that holds `baselines/` and `experiments/`."""
    installed = _PACKAGE / "_recipes"
    return installed if installed.is_dir() else _PACKAGE.parents[1]


def cache_dir() -> Path:
    """The folder of rendered worlds and other caches: `$TOONLAB_CACHE`, else `~/.cache/toonlab`."""
    return Path(os.environ.get("TOONLAB_CACHE") or Path.home() / ".cache" / "toonlab")


def expanded(text: str) -> str:
    """A path that begins with `$NAME` or `${NAME}`, with the value of that environment variable if it is set."""
    found = _VARIABLE.match(text)
    value = os.environ.get(found[1].strip("{}")) if found else None
    return value + text[found.end() :] if found and value else text


def unset_variable(path: str | Path) -> str | None:
    """The environment variable that a path begins with and that has no value; None for any other path."""
    found = _VARIABLE.match(str(path))
    return found[1].strip("{}") if found and expanded(str(path)) == str(path) else None


def listed(folder: str) -> dict[str, Path]:
    """The YAML files of `baselines`, `baselines/at` or `experiments`: name -> path."""
    return {path.stem: path for path in sorted((root() / folder).glob("*.yaml"))}


def study_of(path: Path) -> str:
    """The name of an experiment's study: that of its file, or of the folder of a plugin's `NAME/experiment.yaml`."""
    return path.resolve().parent.name if path.stem == "experiment" else path.stem


def find(name: str, folder: str, near: Path | None = None) -> Path:
    """The file of a path or a name; both are looked for next to `near`, the file that mentions it, first.

    Raises:
        ToonlabError: if there is none, with the nearest name.
    """
    if name.endswith((".yaml", ".yml")) or os.sep in name:
        for path in [Path(name)] if near is None else [near.parent / name, Path(name)]:
            if _is_file(path):
                return path
        if _is_file(listed_path := root() / name):  # `experiments/demo.yaml` means the same from anywhere
            return listed_path
        raise ToonlabError(f"{shortened(printable(name), 300)}: no such file")
    if near is not None and _is_file(neighbour := near.parent / f"{name}.yaml"):
        return neighbour
    if name in (known := listed(folder)):
        return known[name]
    valid = {*known, *(path.stem for path in near.parent.glob("*.yaml") if path != near)} if near else set(known)
    kind = {"baselines": "recipe", "experiments": "experiment"}.get(folder, "file of overrides")
    hint = f"{nearest(name, valid)} (`toonlab recipes` lists them; a path ends in .yaml)"
    raise ToonlabError(f"{shortened(printable(name), 300)}: no such {kind}; {hint}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long, or a folder of it can't be read
        return False
