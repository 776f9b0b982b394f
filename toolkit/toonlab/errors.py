"""What a user may do wrong, as exceptions whose text is the whole message: one line, exit code 2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class ToonlabError(Exception):
    """A mistake the user can mend. The command line prints the text alone and ends with exit code 2."""


class PluginError(ToonlabError):
    """A plugin that can't be used; the text names its distribution."""


class PartError(ToonlabError):
    """A part that can't work with these settings or this input, such as a `k` larger than there are patches."""


class BusyError(ToonlabError):
    """A run's directory in which another process trains."""


class DivergedError(ToonlabError):
    """A loss that is no longer a finite number."""


class PartlyFailedError(ToonlabError):
    """Some of several pictures could not be made; the others are finished. Exit code 1."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a recipe: where, and what to do about it."""

    path: str
    message: str

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        return text if len(text) <= 1200 else f"{text[:600]} … {text[-500:]}"  # it may quote a value of any length


class RecipeError(ToonlabError):
    """All that is wrong with a recipe or an experiment, together."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source, self.problems = source, tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))

    def __reduce__(self) -> tuple[type[RecipeError], tuple[str, tuple[Problem, ...]]]:
        return type(self), (self.source, self.problems)  # to travel between processes


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint for an error about an unknown name: `did you mean 'ctss'?`, or else `valid: …` with all names, sorted."""
    names = sorted(valid)
    if match := closest(name, names):
        return f"did you mean {match!r}?"
    return f"valid: {', '.join(names)}" if names else "there are none"


def closest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that looks most like `name`, if one looks like it."""
    return next(iter(get_close_matches(name, sorted(valid), n=1, cutoff=0.5)), None)


def first_line(error: BaseException) -> str:
    """The first line of another library's error, for a message of one line; the error's type if it has no text."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def reason(error: BaseException) -> str:
    """Why a part failed: toonlab's own message as it is, another library's error by its type and its first line."""
    return str(error) if isinstance(error, ToonlabError) else f"{type(error).__name__}: {first_line(error)}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU; torch has an exception of its own for GPUs only."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return any(text in str(error) for text in ("can't allocate memory", "out of memory", "Insufficient memory"))
