"""The progress of a run: a bar on a terminal, one line that is updated in a notebook, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from toonlab import ObserverFactory, hookimpl

from .reporter import Reporter


def progress(every_seconds: Annotated[float, Field(gt=0)] = 10.0) -> Reporter:
    """Shows the progress of a run: a live bar on a terminal, one line in a Jupyter notebook, plain lines elsewhere.

    Args:
        every_seconds: seconds between two plain lines, at least; each evaluation and the end print a line as well.
    """
    from rich.console import Console

    console = Console()
    if console.is_jupyter:
        from .notebook import NotebookLine

        return NotebookLine()
    if console.is_interactive:
        from .bar import TerminalBar

        return TerminalBar(console)
    from .lines import PlainLines

    return PlainLines(every_seconds)


@hookimpl
def register_observers() -> Mapping[str, ObserverFactory]:
    return {"progress": progress}
