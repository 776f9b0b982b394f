"""What a study found, as data frames and as a notebook shows it."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toonlab.errors import ToonlabError
from toonlab.report.export import records
from toonlab.report.findings import Findings, find
from toonlab.studies.results import results as studies
from toonlab.studies.results.tables import PHOTO

from . import console, html
from .common import display, in_notebook

if TYPE_CHECKING:
    import pandas as pd


class Results(studies.Results):
    """A study, as `toonlab.compare` and `toonlab.tune` return it; `Results.read("runs/demo")` reads one that is there.

    `cells` has every run with its values, `rows` the printed table, `failed` the cells that failed; `frame` and
    `summary` are pandas frames, and `report` is the HTML page.
    """

    @classmethod
    def from_study(cls, results: studies.Results) -> Results:
        """The same results with what is of use in Python."""
        return cls(**{field.name: getattr(results, field.name) for field in fields(results)})

    @classmethod
    def read(cls, directory: str | Path) -> Results:
        """The results that a study has left in its directory, `runs/<study>`.

        Raises:
            ToonlabError: if there are none.
        """
        return super().read(Path(directory))  # type: ignore[return-value]

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each cell: recipe, a column for each factor, seed, status, every metric and cost, and the run.

        Metrics and costs come in the order of the table; what a cell lacks is NaN. `run` is the run's directory.
        """
        import pandas as pd

        also = dict.fromkeys(name for cell in self.cells for name in cell.values)
        frame = pd.DataFrame(records(self._found, list(also)))
        frame["run"] = [str(self.directory / cell.run) for cell in self.cells]
        return frame

    @property
    def summary(self) -> pd.DataFrame:
        """A row for each metric and variant, and for the photo as it is: what the report says, as numbers.

        Columns: `seeds`, `mean`, `sd`; against the baseline, paired by seed: `difference`, its 95 % interval from `low`
        to `high`, `p` (corrected by Holm's procedure) and `verdict`; NaN or empty where there is no test.
        `docs/statistics.md` says what each means.
        """
        import pandas as pd

        found = self._found
        rows = [self._summed(name, label) for name in found.columns for label in found.labels]
        photo = [{"metric": name, "variant": PHOTO, "mean": value} for name, value in self.photo.items()]
        columns = ["seeds", "mean", "sd", "difference", "low", "high", "p", "verdict"]
        order = {name: place for place, name in enumerate(found.columns)}
        whole = sorted([*(p for p in photo if p["metric"] in order), *rows], key=lambda row: order[row["metric"]])
        frame = pd.DataFrame(whole, columns=["metric", "variant", *columns])
        frame["seeds"] = frame["seeds"].fillna(0).astype(int)
        frame["verdict"] = frame["verdict"].fillna("")
        return frame.set_index(["metric", "variant"])

    def _summed(self, metric: str, label: str) -> dict[str, Any]:
        from toonlab.stats.paired import describe

        found, own = self._found, describe(self._found.values(metric, label))
        row: dict[str, Any] = {"metric": metric, "variant": label, "seeds": own.n, "mean": own.mean, "sd": own.sd}
        row["verdict"] = found.verdict(label, metric) if found.values(metric, label) else ""
        difference = found.differences.get(metric, {}).get(label)
        if difference is None or label == self.baseline:
            return row
        low, high = difference.interval or (None, None)
        return row | {"difference": difference.mean, "low": low, "high": high, "p": difference.p}

    @property
    def report(self) -> Path | None:
        """The HTML page, which needs nothing but itself; None where none was written, as nothing has finished."""
        page = self.directory / "report.html"
        return page if page.is_file() else None

    @cached_property
    def _found(self) -> Findings:
        if not self.metrics:
            raise ToonlabError(f"{self.name}: no metric was measured; give evaluate.metrics some")
        return find(self)

    # -- shown

    def show(self) -> None:
        """In a notebook: the table, the report and the sample pictures. Elsewhere: what the command prints."""
        if not in_notebook():
            console.study(self)
            return
        from IPython.display import HTML, Image

        display(HTML(self._repr_html_()))  # type: ignore[no-untyped-call]
        if (grid := self.directory / "samples.png").is_file():
            display(Image(filename=str(grid)))  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        done = sum(cell.status == "finished" for cell in self.cells)
        return f"<Results of {self.name}: {done} of {len(self.cells)} runs finished, in {self.directory}>"

    def _repr_html_(self) -> str:
        head = [html.bold(self.name), html.text(repr(self).partition(": ")[2][:-1])]
        head += [f"report: {html.link(self.report)}"] if self.report else []
        lost = [html.paragraph(html.text(f"failed: {cell.label}: {cell.reason}")) for cell in self.failed]
        table = html.table(self._found) if self.metrics else ""
        return html.paragraph(*head) + table + "".join(lost)
