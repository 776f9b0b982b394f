"""The progress of a run: a bar on a terminal, one line that is updated in a notebook, plain lines elsewhere."""

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

    from .displays import NotebookLine, PlainLines, TerminalBar

    console = Console()
    if console.is_jupyter:
        return NotebookLine()
    return TerminalBar(console) if console.is_interactive else PlainLines(every_seconds)


@hookimpl
def register_observers() -> Mapping[str, ObserverFactory]:
    return {"progress": progress}
