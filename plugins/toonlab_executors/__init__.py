"""Where the cells of a study run: on this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import ExecutorFactory, hookimpl

from .dask import DaskExecutor
from .local import LocalExecutor


@hookimpl
def register_executors() -> Mapping[str, ExecutorFactory]:
    return {"local": LocalExecutor, "dask": DaskExecutor}
