"""The report of a study: one self-contained HTML file that works offline, and its table for other programs."""

from __future__ import annotations

import os
from pathlib import Path

from toonlab.errors import ToonlabError, nearest
from toonlab.runs.directory import write_atomically
from toonlab.studies.results.results import FILE, StudyResults
from toonlab.utils import paths


def write_report(results: StudyResults, out: Path | None = None) -> Path:
    """Write the page, and `table.csv`, `table.md` and `table.tex` next to it; a page that is current stays.

    Args:
        results: of a study of which something has finished.
        out: the page; `report.html` in the study's directory if not given.

    Returns:
        The page's path.

    Raises:
        ToonlabError: if nothing has finished, or it can't be written.
    """
    from .inputs import fingerprint, is_current

    trials = results.search.trials if results.search else ()
    if not any(c.status == "finished" for c in results.cells) and not any(t.state == "complete" for t in trials):
        raise ToonlabError(
            f"{results.directory}: nothing has finished yet, so there is nothing to report; {_why(results)}"
        )
    out, inputs = out or results.directory / "report.html", fingerprint(results)
    tables = {suffix: out.with_name(f"table.{suffix}") for suffix in ("csv", "md", "tex")}
    if is_current(out, inputs) and all(path.is_file() for path in tables.values()):
        return out
    from .findings import find
    from .page import page
    from .table import exports

    found = find(results)
    texts = exports(found)
    files = {out: page(found, texts, inputs), **{tables[suffix]: text for suffix, text in texts.items()}}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
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
