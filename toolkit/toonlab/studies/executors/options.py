"""Where and how the cells of a study run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from toonlab.errors import RecipeError
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.executors import Executor


@dataclass(frozen=True)
class ExecutionOptions:
    """Where and how the cells of a study run; no result depends on it.

    Args:
        runs: the folder of all runs; the study's is `runs/<study>`.
        executor: its name as `use`, and its parameters, in place of what the study's file says.
        parameters: further ones of the executor that either names: `jobs`, `device`.
        command: the command that results and environment files name; this program's if not given.
        tracking_uri: where trackers keep the runs, instead of the recipes' own.
    """

    runs: Path = Path("runs")
    executor: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    tracking_uri: str | None = None

    def make(self, of_file: Mapping[str, Any] | None, catalogue: Catalogue) -> Executor:
        """The executor; it is not connected yet.

        Args:
            of_file: what the study's file says of it.

        Raises:
            PluginError: if there is none of that name.
            RecipeError: with everything that is wrong with its parameters.
        """
        given = {**(self.executor or of_file or {}), **self.parameters}
        name = given.pop("use", "local")
        try:
            executor: Executor = catalogue.make("executors", name, **given)
        except RecipeError as error:
            raise RecipeError("executor", error.problems) from None
        return executor


Connect = Callable[[], Executor]


@contextmanager
def session(executor: Executor) -> Iterator[Connect]:
    """A function that connects to an executor at its first call, for all the work of a study until the end."""
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(executor))
