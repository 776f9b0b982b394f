"""The methods of an app: the first run of each variant of a study, and runs by themselves, with their models loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from toonlab import Results, ToonlabError, TrainedRun, open_run, open_study, printable

_TRIED = 288  # pixels of the picture that every model is tried with: its memory is measured above 256, once


@dataclass(frozen=True)
class Method:
    """A run under the name that the page shows."""

    label: str
    run: TrainedRun

    @property
    def samplers(self) -> dict[str, dict[str, Any]]:
        """Critic -> its sampler with its parameters, of the critics that see patches of one size."""
        critics = (self.run.recipe.get("critics") or {}).items()
        found = {name: critic.get("sampler") for name, critic in critics if critic}
        return {name: part for name, part in found.items() if isinstance(part, dict) and "patch_size" in part}


def load_methods(named: Sequence[str], runs: Path, device: str) -> tuple[list[Method], list[str]]:
    """The methods of studies and runs, each with its model in memory and tried once.

    Args:
        named: names of studies below `runs` or directories of runs; the study that changed last if there are none.
        runs: the folder of all runs.
        device: as `toonlab.TrainedRun.cartoonize` takes it.

    Returns:
        The methods, and a line for each one that is left out.

    Raises:
        ToonlabError: if there is no such study or run, or no method is left.
    """
    found, left_out = list[Method](), list[str]()
    for label, item in _named(named or [latest_study(runs)], runs):
        if isinstance(item, str):
            left_out.append(f"{label}: {item}")
            continue
        try:
            item.cartoonize(Image.new("RGB", (_TRIED, _TRIED)), device=device)
        except ToonlabError as error:
            left_out.append(f"{label}: {error}")
        else:
            found.append(Method(label, item))
    if not found:
        raise ToonlabError(f"no method can be shown: {'; '.join(left_out)}")
    return _distinct(found), left_out


def latest_study(runs: Path) -> str:
    """The name of the study whose results changed last."""
    studies = sorted(runs.glob("*/results.json"), key=lambda path: path.stat().st_mtime)
    if not studies:
        raise ToonlabError(f"{printable(runs)}: no study in it; run `make demo`, or give a run's directory")
    return studies[-1].parent.name


def _named(named: Sequence[str], runs: Path) -> Iterator[tuple[str, TrainedRun | str]]:
    """Label and run, or the reason to leave it out."""
    for name in named:
        if (Path(name) / "recipe.yaml").is_file():
            run = open_run(name)
            yield run.name, run
        else:
            yield from _of_study(open_study(name, runs))


def _of_study(study: Results) -> Iterator[tuple[str, TrainedRun | str]]:
    for variant in study.variants:
        cell = next((cell for cell in study.of(variant.label) if cell.status == "finished"), None)
        if cell is None:
            yield variant.label, "no run of it has finished"
            continue
        run = open_run(study.directory / cell.run)
        plain = run.recipe["generator"]["network"]
        if (plain if isinstance(plain, str) else plain.get("use")) == "identity":
            yield variant.label, "it gives the photo back"
        else:
            yield variant.label, run


def _distinct(methods: Sequence[Method]) -> list[Method]:
    """The methods with the run's directory in the label where two labels are the same."""
    labels = [method.label for method in methods]
    return [
        Method(f"{m.label} ({m.run.directory.parent.name}/{m.run.name})", m.run) if labels.count(m.label) > 1 else m
        for m in methods
    ]
