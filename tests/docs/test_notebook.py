"""The notebook of the documentation runs in a kernel, and shows what it says that it shows."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import notebookpage
import pytest
from make_notebook import sources_hash
from PIL import Image

from .blocks import ROOT

MAKE = ROOT / "docs" / "make_notebook.py"
COMMITTED = ROOT / "docs" / "notebook.ipynb"
STEPS = {"committed": 120, "executed": 12}
SHORTENED = {  # what takes a minute -> the same with fewer steps and scenes
    '"scenes": 48, "evaluation_scenes": 8': '"scenes": 8, "evaluation_scenes": 4',
    '"steps": 120, "evaluate_every": 20, "log_every": 20': '"steps": 12, "evaluate_every": 2, "log_every": 2',
    '"samples": 8': '"samples": 4',
    '"steps": 30': '"steps": 3',
}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    short, out = (tmp_path_factory.mktemp("notebook") / name for name in ("short.ipynb", "notebook.ipynb"))
    notebook = read(COMMITTED)
    for cell in notebook["cells"]:
        cell["source"] = shortened("".join(cell["source"]))
    short.write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, MAKE, short, "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    return read(out)


def shortened(source: str) -> str:
    for slow, quick in SHORTENED.items():
        source = source.replace(slow, quick)
    return source


def outputs(notebook: dict[str, Any], source: str) -> list[dict[str, str]]:
    """What the cell that begins so has left, each as MIME type -> content."""
    (cell,) = (
        c for c in notebook["cells"] if c["cell_type"] == "code" and ("".join(c["source"]) + "\n").startswith(source)
    )
    assert all(output["output_type"] in ("display_data", "execute_result") for output in cell["outputs"]), cell[
        "outputs"
    ]
    return [{kind: "".join(content) for kind, content in output["data"].items()} for output in cell["outputs"]]


@pytest.mark.parametrize("which", ["committed", "executed"])
def test_every_cell_shows_what_it_should(which: str, request: pytest.FixtureRequest) -> None:
    notebook = read(COMMITTED) if which == "committed" else request.getfixturevalue("executed")
    (progress,) = outputs(notebook, "small = {")
    steps = f"step {STEPS[which]}/{STEPS[which]}"
    assert re.fullmatch(rf"ctss-s0-[0-9a-f]{{8}}  {steps}  finished in .*lines .*", progress["text/plain"])
    table, grid, curve = outputs(notebook, "run.show()")
    assert "the unmodified photo" in table["text/html"]
    assert Image.open(io.BytesIO(base64.b64decode(grid["image/png"]))).width > 400
    assert curve["image/svg+xml"].startswith("<svg")
    (history,) = outputs(notebook, "run.history")
    assert history["text/html"].count("<tr") == 2 + 7  # two of the head; step 1, then every 20th (2nd)
    (cartoon,) = outputs(notebook, "from PIL import Image")
    assert Image.open(io.BytesIO(base64.b64decode(cartoon["image/png"]))).size == (128, 128)
    (cells,) = outputs(notebook, 'small["train"]')
    assert re.search(r"ctss +✓✓✓.*\nctss_random +✓✓✓.*\n6/6 cells", cells["text/plain"])
    (report,) = outputs(notebook, "results.report")
    assert "runs/patches/report.html" in report["text/plain"]
    (table,) = outputs(notebook, "results\n")
    assert "difference to ctss_random" in table["text/html"]
    (frame,) = outputs(notebook, "results.frame")
    assert frame["text/html"].count("finished") == 6
    (summary,) = outputs(notebook, "results.summary")
    assert "baseline" in summary["text/html"]
    assert not re.search(r"/(home|root|tmp|work)/", json.dumps(notebook))


def test_every_shortening_is_of_something() -> None:
    text = "\n".join("".join(cell["source"]) for cell in read(COMMITTED)["cells"])
    assert [slow for slow in SHORTENED if text.count(slow) != 1] == []


def test_the_committed_outputs_are_those_of_the_committed_sources() -> None:
    notebook = read(COMMITTED)
    ran = notebook["metadata"]["toonlab"]["ran"]
    assert sources_hash(notebook["cells"]) == ran, "edited since it ran: python docs/make_notebook.py"
    assert COMMITTED.stat().st_size < 400_000


def test_the_page_of_the_site_has_the_outputs() -> None:
    page = notebookpage.page()
    assert page.startswith("# toonlab in a notebook\n")
    assert page.count("data:image/png;base64,") == 2
    assert page.count("data:image/svg+xml;base64,") == 1
    assert page.count("<table>") == 5
    assert 'href="runs/' not in page  # there is nothing there
