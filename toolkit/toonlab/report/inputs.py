"""What a report is made of, so that a page whose inputs have not changed is not written again."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from toonlab.runs.directory import source_hash
from toonlab.studies.results.results import StudyResults

_FILES = ("metrics.jsonl", "environment.json", "recipe.yaml", "pictures/index.json")
_SOURCES = ("toonlab.report", "toonlab.stats", "toonlab.studies.results", "toonlab.runs.pictures")


def fingerprint(results: StudyResults) -> str:
    """A hash of the results, of the size and time of each run's files that a page shows, and of the report's code."""
    state = blake2b(digest_size=16)
    record = asdict(results)
    record["cells"] = [{**cell, "reused": None} for cell in record["cells"]]  # no page shows it
    state.update(json.dumps(record, sort_keys=True, default=str).encode())
    for cell in results.cells:
        log = results.directory / "logs" / f"{cell.run}.log"
        for path in (log, *(results.directory / cell.run / name for name in _FILES)):
            if path.is_file():
                status = path.stat()
                state.update(f"{path}{status.st_size}{status.st_mtime_ns}".encode())
    templates = sorted((Path(__file__).parent / "template").iterdir())
    state.update(b"".join(path.read_bytes() for path in templates if path.is_file()))
    state.update(f"{source_hash(*_SOURCES)}{version('toonlab')}".encode())
    return state.hexdigest()


def is_current(page: Path, inputs: str) -> bool:
    """Whether a page was made of these inputs, which its head names."""
    try:
        with page.open(encoding="utf-8") as file:
            return f'"toonlab-inputs" content="{inputs}"' in file.read(1000)
    except (OSError, UnicodeDecodeError):
        return False
