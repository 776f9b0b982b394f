"""Synchronises a study's own MLflow run with its results: means, note, report, and the trials of a search."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from toonlab import Run

from .run_sync import LONGEST_TAG, datasets, log_points, source
from .store import PARENT, Store
from .values import Point, flatten, legal_name, points

if TYPE_CHECKING:
    from toonlab import Results

TRIAL = "toonlab.trial"  # the tag of a trial's own run: its number, after its recipe where a study searches several
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "infeasible": "KILLED", "failed": "FAILED"}


def sync_study(store: Store, run: Run, page: Path) -> None:
    """Send the results of a run's study and the report on it; the study has ended with the last of its runs.

    Args:
        page: the report; `table.md` next to it is the table of the note.
    """
    client, parent, results = store.client, store.study_run(run), _results(run)
    children = store.find(PARENT, parent)
    trials = {one.data.tags[TRIAL]: one.info for one in children if TRIAL in one.data.tags}
    ends = [one.info.end_time for one in children if TRIAL not in one.data.tags and one.info.end_time]
    end = max(ends, default=round(time.time() * 1000))
    table = page.with_name("table.md")
    note = (
        f"{results.about}\n\n[The report](#/experiments/{store.experiment_id}/runs/{parent}/artifacts/{page.name})\n\n"
    )
    note += table.read_text(encoding="utf-8") if table.is_file() else ""
    for name, value in (source(run) | {"mlflow.note.content": note}).items():
        client.set_tag(parent, name, value[:LONGEST_TAG])
    log_points(client, parent, _means(results, end / 1000))
    client.log_inputs(parent, datasets(run))
    client.log_artifact(parent, str(page))
    for search in results.searches:
        whose = f"{search.recipe} {search.control or ''}".strip() + " " if len(results.searches) > 1 else ""
        for trial in search.trials:
            known = trials.get(f"{whose}{trial.number}")
            if trial.state in _STATUS and (known is None or known.status == "RUNNING"):
                _send_trial(store, parent, known, trial, whose, end)
    client.set_terminated(parent, end_time=end)


def _results(run: Run) -> Results:
    from toonlab import Results  # imports reports

    directory = run.directory.parent
    return Results.read(directory) if (directory / "results.json").is_file() else Results(directory.name, directory, [])


def _means(results: Results, seconds: float) -> Iterator[Point]:
    """`variants/lines/ctss`: the means over seeds. The name sorts after the charts of the cells, each is one bar."""
    rows = results.rows
    rounded = Counter(row.label for row in rows)  # two trials may differ in the fourth digit
    for row in rows:
        label = row.label if rounded[row.label] == 1 else row.name
        means = {f"{metric}/{label}": fmean(values) for metric, values in row.values.items()}
        yield from points(means, 0, seconds, "variants/")


def _send_trial(store: Store, parent: str, known: Any, trial: Any, whose: str, end: int) -> None:
    """Send a trial's parameters, its values and what the pruner saw before, its state and the reason for it.

    When it ran is not known, only how long: MLflow shows it at the end of the study.
    """
    client, start = store.client, end - round((trial.seconds or 0) * 1000)
    tags = {PARENT: parent, TRIAL: f"{whose}{trial.number}", "state": trial.state, "reason": trial.reason}
    tags = {name: value[:LONGEST_TAG] for name, value in tags.items() if value}
    name = f"{whose}trial {trial.number}{' (default)' if trial.default else ''}"
    run_id = known.run_id if known else client.create_run(store.experiment_id, start, tags, name).info.run_id
    values = {int(step): value for step, value in trial.intermediate.items()}
    if trial.value is not None:
        values[max(values, default=0)] = trial.value
    for path, value in flatten(trial.params).items():
        client.log_param(run_id, legal_name(path), value)
    sent = [Point("trial/value", value, end, step) for step, value in values.items()]
    sent += [Point(f"trial/{legal_name(metric)}", value, end, 0) for metric, value in trial.values.items()]
    log_points(client, run_id, sent)
    client.set_terminated(run_id, _STATUS[trial.state], end)
