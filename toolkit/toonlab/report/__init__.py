"""The report of a study: one self-contained HTML file that works offline, and its table for other programs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from glob import escape
from importlib.metadata import version
from pathlib import Path

from toonlab.errors import ToonlabError, nearest
from toonlab.runs.directory import digest, source_hash, sweep, write_atomically
from toonlab.stats.preferences import missing_package
from toonlab.studies.results import registration
from toonlab.studies.results.results import FILE, StudyResults
from toonlab.studies.results.votes import FILE as VOTES
from toonlab.utils import paths

_SHOWN = ("metrics.jsonl", "environment.json", "recipe.yaml", "pictures/index.json")  # of a run's files
_SOURCES = ("toonlab.report", "toonlab.stats", "toonlab.studies.results", "toonlab.runs.pictures")
TEMPLATE = Path(__file__).parent / "template"
"""The folder of the page's templates, style and script."""


def write_report(results: StudyResults, out: Path | None = None) -> Path:
    """Write the page, and `table.csv`, `table.md` and `table.tex` next to it; a page that is current stays.

    Next to that of a search lies `optuna.html`, Optuna's interactive plots of its trials.

    Args:
        results: of a study of which something has finished.
        out: the page; `report.html` in the study's directory if not given.

    Returns:
        The page's path.

    Raises:
        ToonlabError: if nothing has finished, or it can't be written.
    """
    trials = [trial for search in results.searches for trial in search.trials]
    if not any(c.status == "finished" for c in results.cells) and not any(t.state == "complete" for t in trials):
        raise ToonlabError(
            f"{results.directory}: nothing has finished yet, so there is nothing to report; {_why(results)}"
        )
    out, inputs = out or results.directory / "report.html", fingerprint(results)
    tables = {suffix: out.with_name(f"table.{suffix}") for suffix in ("csv", "md", "tex")}
    plots = out.with_name("optuna.html") if any(trial.state == "complete" for trial in trials) else None
    if is_current(out, inputs) and all(path.is_file() for path in [*tables.values(), *([plots] if plots else [])]):
        return out
    from .findings import Findings
    from .optuna_page import optuna_page
    from .page import page
    from .search import searches_of
    from .table import exports

    found = Findings(results)
    texts = exports(found)
    files = {tables[suffix]: text for suffix, text in texts.items()}
    if plots:
        files[plots] = optuna_page(results.name, out.name, searches_of(found))
    files[out] = page(found, texts, inputs)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():  # the page last: tables next to a page that is current are current
            sweep(path.parent.glob(f".{escape(path.name)}.*"))
            write_atomically(path, text)
    except OSError as error:
        raise ToonlabError(
            f"{out}: can't be written: {error.strerror or error}; choose another file with --out"
        ) from error
    return out


def read_study(experiment: str, root: Path) -> StudyResults:
    """The results of an experiment, given by its name or by the path of its file.

    Raises:
        ToonlabError: if it has left none.
    """
    is_path = experiment.endswith((".yaml", ".yml")) or os.sep in experiment
    name = paths.study_of(Path(experiment)) if is_path else experiment
    if is_path and not (root / name / FILE).is_file() and not Path(experiment).is_file():
        raise ToonlabError(f"{experiment}: no such file")
    if not (root / name / FILE).is_file():
        studies = [path.parent.name for path in root.glob(f"*/{FILE}")]
        hint = nearest(name, studies) if studies else f"run `toonlab compare {experiment}` first"
        raise ToonlabError(f"{root / name}: no results of such a study; {hint}")
    return StudyResults.read(root / name)


def _why(results: StudyResults) -> str:
    if results.failed:
        return f"{len(results.failed)} of {len(results.cells)} runs failed, the first: {results.failed[0].reason}"
    return "run it, or wait for its first run to end"


# -- a page whose inputs have not changed is not written again


def fingerprint(results: StudyResults) -> str:
    """A hash of the results, of the size and time of each run's files that a page shows, and of the report's code."""
    record = asdict(results)
    record["cells"] = [{**cell, "reused": None} for cell in record["cells"]]  # no page shows it
    text = json.dumps(record, sort_keys=True, default=str)
    shown = [results.directory / registration.FILE, results.directory / VOTES]
    shown += [results.directory / "logs" / f"{cell.run}.log" for cell in results.cells]
    shown += [results.directory / cell.run / name for cell in results.cells for name in _SHOWN]
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in shown if path.is_file()]
    templates = [path.read_text(encoding="utf-8") for path in sorted(TEMPLATE.iterdir()) if path.is_file()]
    return digest([text, files, missing_package(), templates, source_hash(*_SOURCES), version("toonlab")])


def is_current(page: Path, inputs: str) -> bool:
    """Whether a page was made of these inputs, which its head names."""
    try:
        with page.open(encoding="utf-8") as file:
            return f'"toonlab-inputs" content="{inputs}"' in file.read(1000)
    except (OSError, UnicodeDecodeError):
        return False
