"""For which hooks a plugin was made: what it says, and whether this toonlab has them."""

from __future__ import annotations

import ast
import re
import reprlib
from contextlib import suppress
from typing import Literal

from toonlab.errors import PluginError

from . import metadata
from .hookspecs import HOOKS_VERSION

ATTRIBUTE = "TOONLAB_HOOKS"
Verdict = Literal["fits", "newer", "refused", "unstated", "malformed", "unknown"]
_FORM = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


def stated(*owners: object) -> str | None:
    """What the first of a plugin and its module that says anything says, such as "1.0"; None: neither does.

    Raises:
        PluginError: if it is no version.
    """
    for owner in owners:
        try:
            value = getattr(owner, ATTRIBUTE)
        except AttributeError:
            continue
        except Exception as error:  # a plugin is any object
            raise PluginError(f"{ATTRIBUTE} can't be read: {type(error).__name__}: {error}") from error
        if not isinstance(value, str) or not _FORM.fullmatch(value):
            text = f'{ATTRIBUTE} is {reprlib.repr(value)}, expected a string "MAJOR.MINOR"'
            raise PluginError(f'{text}; write {ATTRIBUTE} = "{HOOKS_VERSION}"')
        return str(value)
    return None


def written(module: str) -> str | None:
    """What the source of a module says that could not be imported; None: nothing that can be seen."""
    with suppress(Exception):
        file = metadata.file_of(module)
        for node in ast.parse(file.read_bytes()).body if file else ():
            match node:
                case ast.Assign([ast.Name(name)], ast.Constant(str(value))) if name == ATTRIBUTE:
                    return value if _FORM.fullmatch(value) else None
    return None


def verdict(made_for: str | None) -> Verdict:
    """Whether a plugin made for that version can be used."""
    if made_for is None:
        return "unstated"
    major, minor = _numbers(made_for)
    our_major, our_minor = _numbers(HOOKS_VERSION)
    return "refused" if major != our_major else "newer" if minor > our_minor else "fits"


def objection(made_for: str | None, name: str) -> str | None:
    """Why a plugin of the distribution `name` doesn't suit this toonlab entirely, and what to do; None: it does."""
    if made_for is None or verdict(made_for) == "fits":
        return None
    ours = f"this toonlab ({metadata.own().version}) has hooks {HOOKS_VERSION}"
    if verdict(made_for) == "newer":
        return f"made for hooks {made_for}, and {ours}; it may ask for what a newer toonlab has"
    theirs_major, our_major = _numbers(made_for)[0], _numbers(HOOKS_VERSION)[0]
    advice = f"install a version of {name} for hooks {our_major}, or a toonlab that has hooks {theirs_major}"
    return f"made for hooks {made_for}, but {ours}; {advice}"


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
