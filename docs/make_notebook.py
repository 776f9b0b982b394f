"""Run the notebook of the documentation: `python docs/make_notebook.py [NOTEBOOK] [--out FILE]`.

Executes docs/notebook.ipynb (or another) in an empty folder and writes it with its outputs, in place or to FILE. The
metadata get the hash of the sources that were run, by which the tests see whether somebody edited them since.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "notebook.ipynb"
SECONDS = 300  # that a cell may take


def sources_hash(cells: list[dict[str, Any]]) -> str:
    """Of what the cells say, not of what came out."""
    sources = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    return hashlib.blake2b(json.dumps(sources).encode(), digest_size=8).hexdigest()


def run(source: Path, out: Path) -> None:
    notebook = nbformat.read(source, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(
            notebook, timeout=SECONDS, kernel_name="python3", resources=resources, record_timing=False
        )
        client.execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "toonlab": {"ran": sources_hash(notebook.cells)}}
    nbformat.write(notebook, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path, nargs="?", default=NOTEBOOK)
    parser.add_argument("--out", type=Path, default=NOTEBOOK, help="the notebook itself if not given")
    given = parser.parse_args()
    run(given.notebook, given.out)


if __name__ == "__main__":
    main()
