"""Read TensorFlow's checkpoints as arrays, without TensorFlow: `NAME.index` and `NAME.data-00000-of-00001`.

The index is a sorted table in LevelDB's format: blocks of entries that share the beginnings of their keys, and a footer
that says where the block of blocks begins. Its values are messages in Protocol Buffers' format: of each variable its
type, shape, place in a data file and checksum. Nothing is executed, and every length is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toonlab import ToonlabError

Fields: TypeAlias = dict[int, list[Any]]  # of a message: numbers and bytes by their fields

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # of TensorFlow's DataType
_POLYNOMIAL = 0x82F63B78  # of CRC-32C, its bits reversed


@dataclass(frozen=True)
class TensorBundle:
    """A checkpoint: its files' common beginning, the number of its data files, and its variables by their names."""

    prefix: Path
    shards: int
    entries: dict[str, Fields]

    @classmethod
    def open(cls, path: Path) -> TensorBundle:
        """The checkpoint of one of its files, or of their names' common beginning.

        Raises:
            ToonlabError: if there is no index, or it is damaged.
        """
        known = path.suffix in (".index", ".meta") or path.suffix.startswith(".data-")
        prefix = path.with_suffix("") if known else path
        index, remedy = Path(f"{prefix}.index"), "get the checkpoint again"
        try:
            entries = {name.decode(): _fields(value) for name, value in _table(index.read_bytes())}
        except FileNotFoundError:
            raise ToonlabError(f"{index}: no such file; a TensorFlow checkpoint has one") from None
        except OSError as error:
            raise ToonlabError(f"{index}: can't be read: {error.strerror}") from error
        except (ValueError, IndexError) as error:
            text = f"is no index of a TensorFlow checkpoint, or damaged ({error}); {remedy}"
            raise ToonlabError(f"{index}: {text}") from error
        header = entries.pop("", {})
        if _first(header, 2):
            raise ToonlabError(f"{index}: was written on a big-endian machine, which can't be read")
        return cls(prefix, _first(header, 1), entries)

    def read(self, name: str) -> NDArray[np.generic]:
        """A variable as an array.

        Raises:
            ToonlabError: if its file is missing, too short or damaged, or its type unknown.
        """
        entry = self.entries[name]
        try:
            kind = np.dtype(_TYPES[_first(entry, 1)])
            shape = [_first(_fields(side), 1) for side in _fields(_first(entry, 2, b"")).get(2, [])]
            offset, size = int(_first(entry, 4)), int(_first(entry, 5))
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise ToonlabError(f"{self.prefix}.index: {name} is no array of numbers: {error}") from error
        path = Path(f"{self.prefix}.data-{_first(entry, 3):05}-of-{self.shards:05}")
        try:
            with path.open("rb") as file:
                whole = offset + size <= path.stat().st_size
                content = (file.seek(offset), file.read(size))[1] if whole else b""
        except OSError as error:
            raise ToonlabError(f"{path}: can't be read: {error.strerror}") from error
        if len(content) != prod(shape) * kind.itemsize or masked_crc(content) != _first(entry, 6):
            raise ToonlabError(f"{path}: is damaged: {name} is cut short, or its checksum differs")
        return np.frombuffer(content, kind).reshape(shape)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a sorted table: key and value."""
    if len(content) < _FOOTER or int.from_bytes(content[-8:], "little") != _MAGIC:
        raise ValueError("it does not end as one")
    place = len(content) - _FOOTER
    for _ in range(2):  # the handle of the block of metadata, of which there is none
        _, place = _varint(content, place)
    for _, handle in _entries(_block(content, content[place:])):
        yield from _entries(_block(content, handle))


def _block(content: bytes, handle: bytes) -> bytes:
    """The block that a handle points to; after it come the kind of its compression and its checksum."""
    offset, place = _varint(handle, 0)
    size, _ = _varint(handle, place)
    block = content[offset : offset + size + 5]
    if len(block) != size + 5 or block[size] != 0:
        raise ValueError("a block is cut short or compressed, which TensorFlow's are not")
    if masked_crc(block[:-4]) != int.from_bytes(block[-4:], "little"):
        raise ValueError("a checksum differs")
    return block[:size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block; each key shares its beginning with the key before it."""
    restarts = int.from_bytes(block[-4:], "little")
    place, stop, key = 0, len(block) - 4 * (restarts + 1), b""
    while place < stop:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        size, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        place += own + size
        yield key, block[place - size : place]


def _fields(message: bytes) -> Fields:
    """The values of a message of Protocol Buffers by the numbers of their fields."""
    found: Fields = {}
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        size: int = {1: 8, 5: 4}.get(tag & 7, 0)
        value: bytes | int | None = None
        if tag & 7 == 0:
            value, place = _varint(message, place)
        elif tag & 7 == 2:
            size, place = _varint(message, place)
        elif not size:
            raise ValueError(f"a field of the type {tag & 7}")
        content = message[place : place + size]
        place += size
        if value is None:
            value = content if tag & 7 == 2 else int.from_bytes(content, "little")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _first(fields: Fields, number: int, default: Any = 0) -> Any:
    return fields.get(number, [default])[0]


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and the place after it."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def _crc_table() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [value >> 1 ^ (_POLYNOMIAL if value & 1 else 0) for value in table]
    return table


_CRC = _crc_table()


def masked_crc(content: bytes) -> int:
    """CRC-32C, rotated and shifted as LevelDB and TensorFlow store it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
