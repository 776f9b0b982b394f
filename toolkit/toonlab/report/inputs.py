"""What a report is made of, so that a page whose inputs have not changed is not written again."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from toonlab.runs.directory import digest, source_hash
from toonlab.studies.results.results import StudyResults

_FILES = ("metrics.jsonl", "environment.json", "recipe.yaml", "pictures/index.json")
_SOURCES = ("toonlab.report", "toonlab.stats", "toonlab.studies.results", "toonlab.runs.pictures")
_TEMPLATES = Path(__file__).parent / "template"


def fingerprint(results: StudyResults) -> str:
    """A hash of the results, of the size and time of each run's files that a page shows, and of the report's code."""
    record = asdict(results)
    record["cells"] = [{**cell, "reused": None} for cell in record["cells"]]  # no page shows it
    text = json.dumps(record, sort_keys=True, default=str)
    shown = [results.directory / "logs" / f"{cell.run}.log" for cell in results.cells]
    shown += [results.directory / cell.run / name for cell in results.cells for name in _FILES]
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in shown if path.is_file()]
    templates = [path.read_text(encoding="utf-8") for path in sorted(_TEMPLATES.iterdir()) if path.is_file()]
    return digest([text, files, templates, source_hash(*_SOURCES), version("toonlab")])


def is_current(page: Path, inputs: str) -> bool:
    """Whether a page was made of these inputs, which its head names."""
    try:
        with page.open(encoding="utf-8") as file:
            return f'"toonlab-inputs" content="{inputs}"' in file.read(1000)
    except (OSError, UnicodeDecodeError):
        return False
