"""Where observers record a run, if it is not where its recipe says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toonlab.recipes.spec import Part, Recipe
    from toonlab.registry.catalogue import Catalogue

PARAMETER = "tracking_uri"


def tracked_observers(recipe: Recipe, catalogue: Catalogue, uri: str | None) -> dict[str, Part]:
    """The recipe's observers, with `uri` as the `tracking_uri` of each that has this parameter; unchanged for None.

    The recipe itself, which is written to the run's directory and into its weights, stays as it is: a URI may hold a
    password.
    """
    return {
        name: replace(part, parameters=tracked(part.use, part.parameters, catalogue, uri))
        for name, part in recipe.observers.items()
    }


def tracked(use: str, parameters: Mapping[str, Any], catalogue: Catalogue, uri: str | None) -> Mapping[str, Any]:
    """The parameters of one observer with `uri` as its `tracking_uri`, if it has this parameter."""
    if uri is None or PARAMETER not in catalogue.get("observers", use).schema.parameters:
        return parameters
    return {**parameters, PARAMETER: uri}
