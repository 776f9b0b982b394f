"""What a study is to show, written down before it runs; its report tells whether it was kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

from toonlab.errors import ToonlabError
from toonlab.runs.directory import digest, make_directory, read_outcome, write_atomically
from toonlab.runs.formats import Date
from toonlab.utils.reading import read_json
from toonlab.utils.text import several

from .results import StudyResults

FILE = "registration.json"


@dataclass(frozen=True)
class Terms:
    """What a registered study has to keep.

    Args:
        file: a hash of the experiment's file, with the overrides of the command line.
        primary: the metric by which a variant is called better or worse.
        hypotheses: the variants that are compared with the baseline.
        seeds: those of each variant; none for a study that decides on their number.
        max_seeds: of such a study.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    file: str
    primary: str
    guards: list[str]
    margin: float
    baseline: str | None
    hypotheses: list[str]
    seeds: list[int]
    max_seeds: int | None


@dataclass(frozen=True)
class Registration:
    """The terms of a study, and the time (UTC) at which they were written."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    date: Date
    terms: Terms

    def changed(self, results: StudyResults) -> list[str]:
        """The names of the terms that a study has not kept."""
        now = terms(results)
        return [each.name for each in fields(Terms) if getattr(now, each.name) != getattr(self.terms, each.name)]


_ADAPTER = TypeAdapter(Registration)


def terms(results: StudyResults) -> Terms:
    """The terms of a study with cells, finished or not."""
    labels = [variant.label for variant in results.variants]
    return Terms(
        file=digest(json.loads(json.dumps(results.asked, default=str))),
        primary=results.metrics[0] if results.metrics else "",
        guards=list(results.guards),
        margin=results.margin,
        baseline=results.baseline,
        hypotheses=[label for label in labels if not results.is_baseline(label) and label not in results.floors],
        seeds=[] if results.max_seeds else sorted({cell.seed for cell in results.cells}),
        max_seeds=results.max_seeds,
    )


def register(results: StudyResults) -> None:
    """Write the terms of a study into its directory, unless the same ones are there already.

    Raises:
        ToonlabError: if other terms are there, or runs have finished.
    """
    directory, known = results.directory, read(results.directory)
    if known:
        if changed := known.changed(results):
            text = f"--register: registered on {known.date[:10]} with other terms ({', '.join(changed)})"
            raise ToonlabError(f"{directory / FILE}: {text}; leave it out, and the report says what was changed")
        return
    if done := sum(_finished(path.parent) for path in directory.glob("*/outcome.json")):
        text = f"--register: {several(done, 'run')} of this study finished before; a study is registered before it runs"
        raise ToonlabError(f"{directory}: {text}, under another name or with another --runs")
    make_directory(directory)
    found = Registration(datetime.now(UTC).isoformat(timespec="seconds"), terms(results))
    write_atomically(directory / FILE, json.dumps(asdict(found), indent=1) + "\n")


def read(directory: Path) -> Registration | None:
    """The registration of the study of a directory; None if there is none.

    Raises:
        ToonlabError: if the file is damaged.
    """
    try:
        return read_json(directory / FILE, _ADAPTER, "bring back what was registered, or delete it")
    except FileNotFoundError:
        return None


def _finished(run: Path) -> bool:
    outcome = read_outcome(run)
    return outcome is not None and outcome.status == "finished"
