"""Imports mlflow, seconds' worth, for a process from which the processes of runs are forked."""

from __future__ import annotations

from . import store

store.load("sqlite:///")
