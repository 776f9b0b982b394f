"""Runs as MLflow shows them. Importing this imports no mlflow: that takes seconds."""

from collections.abc import Mapping

from toonlab import ObserverFactory, hookimpl

from .observer import MLflow


@hookimpl
def register_observers() -> Mapping[str, ObserverFactory]:
    return {"mlflow": MLflow}
