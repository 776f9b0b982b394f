"""Studies that decide on their seeds: which cells run next, and what has been decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toonlab.stats.verdicts import LOOKS, next_look
from toonlab.studies.executors.cell import Cell
from toonlab.studies.results.results import StudyResults


def next_cells(results: StudyResults, cells: Sequence[Cell]) -> list[Cell]:
    """The cells that a study runs next, after those in its results; none when it has ended.

    These are all cells, unless the study decides on its seeds: then those of the first look, and of each further look
    the cells of the variants that are undecided, of their baselines and of the floors.
    """
    if results.max_seeds is None:
        return [] if results.cells else list(cells)
    order = list(dict.fromkeys(cell.spec.recipe.train.seed for cell in cells))
    begun = len({cell.seed for cell in results.cells})
    look = next_look(begun) if begun < results.max_seeds else None
    open_ = {label for label, one in results.verdicts.items() if one.word == "undecided"}
    if look is None or (begun and not open_):
        return []
    known = {*results.floors, *open_, *map(results.baseline_of, open_)}
    seeds = order[begun:look]
    return [c for c in cells if c.spec.recipe.train.seed in seeds and (not begun or c.spec.variant.label in known)]


def decisions(results: StudyResults) -> Iterator[str]:
    """What a study that decides on its seeds has decided, and how it goes on."""
    for label, one in results.verdicts.items():
        if one.look and one.word != "undecided":
            yield f"{label}: {one.word}, decided at {one.look} seeds; gets no more"
        elif one.look == results.max_seeds:
            yield f"{label}: futile: undecided at {one.look} seeds"
    looks = [str(look) for look in LOOKS if look <= (results.max_seeds or 0)]
    yield f"looks at {', '.join(looks)} seeds; variants that are undecided go on to the next"
