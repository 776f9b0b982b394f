"""The notebook as a page of the site, with what came out when it was run."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "notebook.ipynb"
HEAD = 'This page is <a href="../notebook.ipynb" download>a notebook</a>, as it was run.'
_PICTURES = {"image/svg+xml": "the learning curve", "image/png": "what the cell shows"}


def page() -> str:
    """As Markdown: cells of text as they are, code as blocks, and what came out as text, HTML and pictures."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    title, *rest = [part for cell in cells for part in _cell(cell)]
    first, _, below = title.partition("\n")
    return "\n\n".join([first, HEAD, below, *rest]) + "\n"


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    yield from (_output(output) for output in cell["outputs"])


def _output(output: dict[str, Any]) -> str:
    data = {kind: "".join(content) for kind, content in output.get("data", {}).items()}
    for kind, about in _PICTURES.items():
        if kind in data:
            content = data[kind] if kind == "image/png" else base64.b64encode(data[kind].encode()).decode()
            return f'<p><img alt="{about}" src="data:{kind};base64,{"".join(content.split())}"></p>'
    if "text/html" in data:
        return f'<div class="output">{_plain(data["text/html"])}</div>'
    text = data.get("text/plain") or "".join(output.get("text", ""))
    return f'<pre class="output">{html.escape(text)}</pre>'


def _plain(given: str) -> str:
    """Without pandas' own style, so that tables look like the site's; in one line, which Markdown leaves as it is."""
    given = re.sub(r"<style.*?</style>", "", given, flags=re.DOTALL)
    given = re.sub(r'<a href="runs/[^>]*>(.*?)</a>', r"\1", given)  # runs are where the notebook was run
    given = re.sub(r' (class="dataframe"|border="1"|style="text-align: right;")', "", given)
    return re.sub(r"\s*\n\s*", "", given)
