"""What the process from which runs are forked imports."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import os, sys, threading
import toonlab_mlflow.preload
assert "mlflow.store.tracking.sqlalchemy_store" in sys.modules
assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
assert threading.active_count() == 1, threading.enumerate()  # a fork would lose other threads
"""


def test_it_imports_mlflow_without_a_word_or_a_thread_or_telemetry() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
