"""What trainings and studies in Python have in common: the catalogue, where trackers look, a notebook's display."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from toonlab.registry.catalogue import Catalogue, discover

_URI = "TOONLAB_TRACKING_URI"


def catalogue() -> Catalogue:
    """What is installed, with a warning for everything that did not load."""
    found = discover()
    for failure in found.failures:
        warnings.warn(str(failure), RuntimeWarning, stacklevel=3)
    return found


@contextmanager
def tracked_at(uri: str | None) -> Iterator[None]:
    """Within, all observers of this process and of those that it starts keep runs there, instead of as recipes say."""
    before = os.environ.get(_URI)
    if uri is not None:
        os.environ[_URI] = uri
    try:
        yield
    finally:
        if uri is not None:
            os.environ.pop(_URI)
            os.environ.update({_URI: before} if before is not None else {})


def in_notebook() -> bool:
    """Whether a Jupyter kernel shows what is displayed."""
    from rich.console import Console

    return Console().is_jupyter


def display(*shown: Any) -> None:
    """Show things below a notebook's cell."""
    from IPython.display import display as show

    show(*shown)  # type: ignore[no-untyped-call]
