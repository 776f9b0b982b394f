"""Where recipes, experiments and the cache are found, in a checkout and in an installed wheel alike."""

from __future__ import annotations

import os
from pathlib import Path

from toonlab.errors import ToonlabError, nearest

_PACKAGE = Path(__file__).parents[1]


def root() -> Path:
    """The folder that holds `baselines/` and `experiments/`."""
    installed = _PACKAGE / "_recipes"
    return installed if installed.is_dir() else _PACKAGE.parents[1]


def cache_dir() -> Path:
    """Where rendered worlds and the like are kept: `$TOONLAB_CACHE`, else `~/.cache/toonlab`."""
    return Path(os.environ.get("TOONLAB_CACHE") or Path.home() / ".cache" / "toonlab")


def listed(folder: str) -> dict[str, Path]:
    """The YAML files of `baselines`, `baselines/at` or `experiments`: name -> path."""
    return {path.stem: path for path in sorted((root() / folder).glob("*.yaml"))}


def study_of(path: Path) -> str:
    """The name of an experiment's study: its file's; of `NAME/experiment.yaml`, such as plugins bring, its folder's."""
    return path.resolve().parent.name if path.stem == "experiment" else path.stem


def find(name: str, folder: str, near: Path | None = None) -> Path:
    """The file that `name` means: a path (perhaps relative to `near`, the file that names it), or a shelved name."""
    if name.endswith((".yaml", ".yml")) or os.sep in name:
        for path in [Path(name)] if near is None else [near.parent / name, Path(name)]:
            if path.is_file():
                return path
        if (shelved := root() / name).is_file():  # `experiments/demo.yaml` means the same from anywhere
            return shelved
        raise ToonlabError(f"{name}: no such file")
    if near is not None and (beside := near.parent / f"{name}.yaml").is_file():
        return beside
    if name in (known := listed(folder)):
        return known[name]
    valid = {*known, *(path.stem for path in near.parent.glob("*.yaml") if path != near)} if near else set(known)
    kind = {"baselines": "recipe", "experiments": "experiment"}.get(folder, "file of overrides")
    raise ToonlabError(
        f"{name}: no such {kind}; {nearest(name, valid)} (`toonlab recipes` lists them; a path ends in .yaml)"
    )
