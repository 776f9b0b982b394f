"""The MLflow run of a whole study, under which those of its runs are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

STUDY = "toonlab.study"


def parent_of(client: MlflowClient, experiment: str, study: str) -> str:
    """The id of a study's run, which is made if there is none.

    Where two processes make one at once, the earlier counts, and the other one's goes.
    """
    if found := _found(client, experiment, study):
        return found[0]
    made: str = client.create_run(experiment, tags={STUDY: study}, run_name=study).info.run_id
    first, *_ = _found(client, experiment, study) or [made]
    if first != made:
        client.delete_run(made)
    return first


def _found(client: MlflowClient, experiment: str, study: str) -> list[str]:
    quoted = study.replace("'", "''")
    found = client.search_runs([experiment], f"tags.`{STUDY}` = '{quoted}'", order_by=["start_time", "run_id"])
    return [run.info.run_id for run in found]
