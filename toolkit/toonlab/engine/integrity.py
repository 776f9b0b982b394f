"""Checks of a checkpoint's files: their bytes against a checksum, their tensors for finite values, their size.

The checksum is part of the file that it is of, which stays a valid file of its kind: a state's is the comment of its
zip archive, that of weights is the first entry of their metadata.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.optim import Optimizer

from toonlab.errors import ToonlabError

_BLANK = b"0" * 64
_HEAD = b'{"__metadata__": {"checksum": "'
_START, _STOP = 8 + len(_HEAD), 8 + len(_HEAD) + len(_BLANK)


def _checksum(*parts: bytes) -> bytes:
    state = blake2b(digest_size=len(_BLANK) // 2)
    for part in parts:
        state.update(part)
    return state.hexdigest().encode()


def sealed_state(archive: bytes) -> bytes:
    """A zip archive that `torch.save` wrote, with its checksum."""
    body = archive[:-2] + len(_BLANK).to_bytes(2, "little")  # the last two bytes are the length of its comment
    return body + _checksum(body)


def is_whole_state(content: bytes) -> bool:
    """Whether the bytes are those that `sealed_state` returned."""
    return _checksum(content[: -len(_BLANK)]) == content[-len(_BLANK) :]


def sealed_weights(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with metadata and its checksum; equal tensors and metadata give equal bytes."""
    stop = 8 + int.from_bytes(content[:8], "little")
    fields = {"checksum": _BLANK.decode(), **metadata}
    header = json.dumps({"__metadata__": fields, **json.loads(content[8:stop])}).encode()
    header += b" " * (-len(header) % 8)  # tensors are aligned
    made = len(header).to_bytes(8, "little") + header + content[stop:]
    return made[:_START] + _checksum(made) + made[_STOP:]


def is_whole_weights(content: bytes) -> bool | None:
    """Whether the bytes are those that `sealed_weights` returned; None if they hold no checksum."""
    if content[8:_START] != _HEAD:
        return None
    return _checksum(content[:_START], _BLANK, content[_STOP:]) == content[_START:_STOP]


def metadata_of(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file that was found valid."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__") or {})


def non_finite(value: Any, name: str = "") -> Iterator[str]:
    """The dotted names of tensors in nested mappings and lists that hold infinities or NaN; waits for the device."""
    if isinstance(value, Tensor):
        if (value.is_floating_point() or value.is_complex()) and not bool(value.isfinite().all()):
            yield name
    elif isinstance(value, Mapping | list | tuple):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from non_finite(inner, f"{name}.{key}" if name else str(key))


def check_kinds(given: Any, own: Any, name: str) -> None:
    """Compare the settings of an optimizer or a schedule with its own: torch takes any, and fails in the next step.

    Raises:
        ValueError: with the first that is of another kind; None may stand for any.
    """
    if isinstance(own, Mapping | list | tuple):
        pairs = own.items() if isinstance(own, Mapping) else enumerate(own)
        if isinstance(given, Mapping) != isinstance(own, Mapping) or len(given) != len(own):
            raise ValueError(f"{name}: {type(given).__name__} of other entries than its own")
        for key, value in pairs:
            check_kinds(given[key], value, f"{name}.{key}")
    elif None not in (given, own) and _kind(given) is not _kind(own):
        raise ValueError(f"{name}: got {type(given).__name__}, expected {type(own).__name__}")


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def check_shapes(optimizer: Optimizer, name: str) -> None:
    """Compare an optimizer's tensors with its parameters, and with each other.

    Raises:
        ValueError: with the first that does not fit.
    """
    kinds: dict[bool, dict[str, type]] = {}  # Adafactor keeps other tensors of matrices than of vectors
    for parameter, values in optimizer.state.items():
        own = {key: type(value) for key, value in values.items()}
        if own != kinds.setdefault(parameter.ndim > 1, own):
            raise ValueError(f"{name}: the states of two parameters have other entries")
        for key, value in values.items():
            if isinstance(value, Tensor) and not (value.is_floating_point() and _fits(value.shape, parameter.shape)):
                text = f"{key} is {value.dtype} of the shape {tuple(value.shape)}"
                raise ValueError(f"{name}: {text}, of a parameter of {tuple(parameter.shape)}")


def _fits(shape: Sequence[int], parameter: Sequence[int]) -> bool:
    """Whether a tensor is a number, or has the parameter's shape, or is its mean over some axes."""
    return not shape or (len(shape) == len(parameter) and all(map(_is_side, shape, parameter)))


def _is_side(length: int, of_parameter: int) -> bool:
    return length in (1, of_parameter)


def check_size(make: Callable[[], object], elements: int) -> None:
    """Build a module without memory for its parameters, as far as it can be built so.

    Raises:
        ToonlabError: if its parameters have far more than so many elements.
    """
    limit, count = 4 * elements + 10**6, 0  # a parametrization registers parameters more than once

    def add(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count
        count += 0 if parameter is None else parameter.numel()
        if count > limit:
            raise _TooLargeError

    hook = register_module_parameter_registration_hook(add)
    try:
        with torch.device("meta"):
            make()
    except _TooLargeError:
        text = f"its recipe asks for a network of more than {count} parameters, and it holds {elements}"
        raise ToonlabError(text) from None
    except Exception:  # a plugin's network may compute with its parameters, which these can't
        return
    finally:
        hook.remove()


class _TooLargeError(Exception):
    """A module has too many parameters."""
