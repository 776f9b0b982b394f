"""Files that are read back: regular files of a limited size, JSON that fits a type, and tensors without code.

What a person or a crash damaged is one line: the file, the field, what is wrong with it, and the remedy.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from toonlab.errors import ToonlabError, first_line

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 64 * 2**20  # bytes of a text file; the largest metrics file of a long training has some 10 MiB

T = TypeVar("T")
_NO_UTF8 = re.compile(rb"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][cC]([89a-fA-F][0-9a-fA-F])")
_PLAIN = ("json_invalid", "missing", "value_error")  # errors whose text says enough


def read_bytes(path: Path, remedy: str, largest: int | None = LARGEST) -> bytes:
    """The content of a file.

    Raises:
        FileNotFoundError: if there is none.
        ToonlabError: if it is a folder, a pipe or a device, is larger than `largest` bytes, or can't be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise ToonlabError(f"{path}: is not a file; {remedy}")
        if largest is not None and path.stat().st_size > largest:
            raise ToonlabError(f"{path}: has more than {largest} bytes; {remedy}")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # there can be none
            raise FileNotFoundError(path) from None
        raise ToonlabError(f"{path}: can't be read: {error.strerror or error}; {remedy}") from error


def read_json(path: Path, kind: TypeAdapter[T], remedy: str) -> T:
    """The value of a JSON file.

    Raises:
        FileNotFoundError: if there is none.
        ToonlabError: if it can't be read, or does not fit.
    """
    try:
        return parse_json(read_bytes(path, remedy), kind)
    except ValueError as error:
        raise ToonlabError(f"{path}: can't be read: {error}; {remedy}") from error


def read_state_dict(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a PyTorch file by their names, in its order, on the CPU; nothing in it is executed.

    Raises:
        ToonlabError: if there is none, if it is damaged, or if it holds anything but tensors.
    """
    from pickle import UnpicklingError

    import torch

    if not path.is_file():
        raise ToonlabError(f"{path}: no such file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:  # its text advises to load the file unsafely
        why = "it holds more than tensors, or is damaged; nothing in it was executed"
        raise ToonlabError(f"{path}: is no state dict that torch can load: {why}") from error
    except Exception as error:  # torch.load has no exception of its own
        raise ToonlabError(f"{path}: is no state dict that torch can load: {first_line(error)}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ToonlabError(f"{path}: holds {type(state).__name__}, expected a state dict of tensors alone")
    return state


def parse_json(text: str | bytes, kind: TypeAdapter[T]) -> T:
    """The value of JSON text, of the very types of `kind`; pydantic's parser refuses a nesting deeper than 200.

    It refuses bytes of file names that are no UTF-8, too, as Python writes them: they become text such as `\\xff`.

    Raises:
        ValueError: if it does not fit, with the first field that is wrong.
    """
    try:
        return kind.validate_json(text, strict=True)
    except ValidationError as error:
        content = text.encode() if isinstance(text, str) else text
        if "surrogate" in error.errors()[0]["msg"] and (mended := _NO_UTF8.sub(rb"\\\\x\1", content)) != content:
            return parse_json(mended, kind)
        raise ValueError(describe(error)) from None


def describe(error: ValidationError) -> str:
    """The first thing that is wrong, on one line: `step: got 'x', input should be a valid integer`."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    text = first["msg"].removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    got = "" if first["type"] in _PLAIN else f"got {shortened(repr(first['input']))}, "
    return " ".join(f"{shortened(where)}: {got}{text}".removeprefix(": ").split())


def shortened(text: str, length: int = 60) -> str:
    """A text of at most so many characters, for messages."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
