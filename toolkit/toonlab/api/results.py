"""A study's results: as data frames, as a notebook shows them, and the report on them."""

from __future__ import annotations

import os
from dataclasses import fields
from functools import cached_property
from html import escape
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.report import read_study, write_report
from toonlab.report.findings import Findings
from toonlab.report.table import as_table, records
from toonlab.runs.sync import notify_of_report
from toonlab.studies.results.results import StudyResults
from toonlab.studies.results.tables import PHOTO

from . import console, html
from .common import in_notebook

if TYPE_CHECKING:
    import pandas as pd

_STATISTICS = ("seeds", "mean", "sd", "difference", "low", "high", "verdict")


class Results(StudyResults):
    """A study, as `toonlab.compare` and `toonlab.tune` return it; `Results.read("runs/demo")` reads an earlier one.

    `cells` has every run with its values, `rows` the printed table, `failed` the cells that failed; `frame` and
    `summary` are pandas frames, and `report` is the HTML page.
    """

    @classmethod
    def from_study(cls, results: StudyResults, catalogue: Catalogue) -> Results:
        """The results of `toonlab.studies` with the methods of this class."""
        found = cls(**{field.name: getattr(results, field.name) for field in fields(results)})
        vars(found)["catalogue"] = catalogue  # the value of the cached property
        return found

    @classmethod
    def read(cls, directory: str | Path) -> Results:
        """The results in a study's directory, `runs/<study>`.

        Raises:
            ToonlabError: if there are none.
        """
        return super().read(Path(directory))  # type: ignore[return-value]

    @cached_property
    def catalogue(self) -> Catalogue:
        """The installed plugins."""
        return discover()

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each cell: recipe, a column for each factor, seed, status, every metric and cost, and the run.

        Metrics and costs come in the order of the table; missing values are NaN. `run` is the run's directory.
        """
        import pandas as pd

        also = dict.fromkeys(name for cell in self.cells for name in cell.values)
        frame = pd.DataFrame(records(self._findings, list(also)))
        frame["run"] = [str(self.directory / cell.run) for cell in self.cells]
        return frame

    @property
    def summary(self) -> pd.DataFrame:
        """A row for each metric and variant, and for the unmodified photo: the report's statistics as numbers.

        Columns: `seeds`, `mean`, `sd`; against the baseline: the typical `difference`, its interval from `low` to
        `high`, and `verdict`, a word for the primary metric alone; NaN or empty where there is none.
        `docs/statistics.md` says what each means.
        """
        import pandas as pd

        found = self._findings
        labels = [(name, label) for name in found.columns for label in (PHOTO, *found.labels)]
        rows = {key: self._statistics(*key) for key in labels if key[1] != PHOTO or key[0] in self.photo}
        index = pd.MultiIndex.from_tuples(rows, names=["metric", "variant"])
        frame = pd.DataFrame(rows.values(), index, columns=_STATISTICS)
        return frame.astype({"seeds": int})

    def _statistics(self, metric: str, label: str) -> dict[str, Any]:
        if label == PHOTO:
            return {"seeds": 0, "mean": self.photo[metric], "verdict": ""}
        found, values = self._findings, self._findings.values(metric, label)
        row: dict[str, Any] = {"seeds": len(values), "mean": found.mean(metric, label)}
        row["sd"] = stdev(values) if len(values) > 1 else None
        row["verdict"] = found.verdict(label) if metric == found.primary and values else ""
        if difference := found.difference(label, metric):
            low, high = difference.interval or (None, None)
            row |= {"difference": difference.median, "low": low, "high": high}
        return row

    @property
    def report(self) -> Path | None:
        """The self-contained HTML page; None if none was written, because nothing has finished."""
        page = self.directory / "report.html"
        return page if page.is_file() else None

    @property
    def last_run(self) -> Path | None:
        """The directory of the last cell that has finished on this machine."""
        finished = [self.directory / cell.run for cell in self.cells if cell.status == "finished"]
        return next((directory for directory in reversed(finished) if directory.is_dir()), None)

    @cached_property
    def _findings(self) -> Findings:
        if not self.metrics:
            raise ToonlabError(f"{self.name}: no metric was measured; give evaluate.metrics some")
        return Findings(self)

    # -- display

    def show(self) -> None:
        """In a notebook: the table, the report and the sample pictures. Elsewhere: what the command prints."""
        if not in_notebook():
            console.show_table(self)
            console.show_paths(self)
            return
        from IPython.display import HTML, Image, display

        display(HTML(self._repr_html_()))  # type: ignore[no-untyped-call]
        if (grid := self.directory / "samples.png").is_file():
            display(Image(filename=str(grid)))  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        done = sum(cell.status == "finished" for cell in self.cells)
        return f"<Results of {self.name}: {done} of {len(self.cells)} runs finished, in {self.directory}>"

    def _repr_html_(self) -> str:
        head = [f"<b>{escape(self.name)}</b>", escape(repr(self).partition(": ")[2][:-1])]
        head += [f"report: {html.link(self.report)}"] if self.report else []
        failed = [html.paragraph(escape(f"failed: {cell.label}: {cell.reason}")) for cell in self.failed]
        table = as_table(self._findings).html() if self.metrics else ""
        return html.paragraph(*head) + table + "".join(failed)


def open_study(study: str, runs: str | os.PathLike[str] = "runs") -> Results:
    """The results of an earlier study, given by its name or by the path of its experiment's file.

    Args:
        study: `demo`, or `experiments/demo.yaml`.
        runs: the folder of all runs.

    Raises:
        ToonlabError: if it has left none there, with the nearest name.
    """
    return Results.from_study(read_study(study, Path(runs)), discover())


def conclude(results: Results, tracking_uri: str | None = None) -> None:
    """Write the report of a study that has just run, if any cell has finished, and notify its trackers."""
    from toonlab.studies.executors.fork_server import call_preloaded

    if not any(cell.status == "finished" for cell in results.cells):
        return
    page = write_report(results)
    if directory := results.last_run:
        # in a process that has imported the trackers already
        call_preloaded(notify_of_report, directory, page, None, tracking_uri)


def report(
    experiment: str, catalogue: Catalogue, *, runs: Path = Path("runs"), out: Path | None = None
) -> tuple[Results, Path]:
    """Write the report of an earlier study, and notify its trackers.

    Returns:
        The study's results, and the page.

    Raises:
        ToonlabError: if there is no such study, nothing has finished, or the page can't be written.
    """
    results = Results.from_study(read_study(experiment, runs), catalogue)
    page = write_report(results, out)
    if directory := results.last_run:
        notify_of_report(directory, page, catalogue)
    return results, page
