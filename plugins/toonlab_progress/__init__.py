"""A run's progress on the screen: a bar on a terminal, a line that is replaced in a notebook, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from toonlab import ObserverFactory, hookimpl

from .reporter import Reporter


def progress(every_seconds: Annotated[float, Field(gt=0)] = 10.0) -> Reporter:
    """Shows how far a run is: a live bar on a terminal, one line in a Jupyter notebook, plain lines elsewhere.

    Args:
        every_seconds: at least so long between two plain lines; evaluations and the end have a line in any case.
    """
    from rich.console import Console

    console = Console()
    if console.is_jupyter:
        from .notebook import Line

        return Line()
    if console.is_interactive:
        from .bar import Bar

        return Bar(console)
    from .lines import Lines

    return Lines(every_seconds)


@hookimpl
def register_observers() -> Mapping[str, ObserverFactory]:
    return {"progress": progress}
