"""Parts that the functions of this package share: the catalogue with warnings, and the check for a notebook."""

import warnings

from toonlab.registry.catalogue import Catalogue, discover


def warned_catalogue(stacklevel: int = 3) -> Catalogue:
    """The catalogue of the installed plugins; warns the caller's caller of each plugin that did not load."""
    catalogue = discover()
    for failure in catalogue.failures:
        warnings.warn(str(failure), RuntimeWarning, stacklevel=stacklevel)
    return catalogue


def in_notebook() -> bool:
    """Whether the program runs in a Jupyter kernel."""
    from rich.console import Console

    return Console().is_jupyter
