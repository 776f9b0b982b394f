"""Imports mlflow, which takes seconds, in the process from which a study's runs are forked."""

from .store import load

load()
