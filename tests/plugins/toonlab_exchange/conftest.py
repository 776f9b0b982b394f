"""What the exchange's tests share: TensorFlow checkpoints, written here, with the weights of the golden arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from toonlab_exchange.tensor_bundle import masked_crc

VARIABLES: dict[str, dict[str, list[int]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "golden" / "variables.json").read_text()
)
TYPES = {"float32": 1, "float64": 2, "int64": 9, "float16": 19}
BLOCK = 1500  # bytes, so that even a small index has several blocks
RESTART = 16  # entries whose keys share their beginnings

Writer = Callable[[Path, Mapping[str, np.ndarray]], Path]


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def entry(array: np.ndarray, offset: int) -> bytes:
    content = array.tobytes()
    shape = b"".join(field(2, field(1, side)) for side in array.shape)
    crc = varint(6 << 3 | 5) + masked_crc(content).to_bytes(4, "little")
    return b"".join([field(1, TYPES[array.dtype.name]), field(2, shape), field(4, offset), field(5, len(content)), crc])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    content, restarts, before = b"", [], b""
    for number, (key, value) in enumerate(entries):
        if number % RESTART == 0:
            restarts.append(len(content))
            before = b""
        shared = next(
            (i for i, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), min(len(before), len(key))
        )
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    content += b"".join(place.to_bytes(4, "little") for place in [*(restarts or [0]), len(restarts or [0])])
    return content + b"\0" + masked_crc(content + b"\0").to_bytes(4, "little")


def table(entries: list[tuple[bytes, bytes]]) -> bytes:
    content, index, some = b"", [], []
    for number, (key, value) in enumerate(entries):
        some.append((key, value))
        if sum(len(k) + len(v) for k, v in some) > BLOCK or number == len(entries) - 1:
            made = block(some)
            index.append((key, varint(len(content)) + varint(len(made) - 5)))
            content, some = content + made, []
    handles = b""
    for made in (block([]), block(index)):
        handles += varint(len(content)) + varint(len(made) - 5)
        content += made
    return content + handles.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")


@pytest.fixture(scope="session")
def write_bundle() -> Writer:
    """Writes arrays as TensorFlow 1 saves variables, sorted by name, and returns the files' common beginning."""

    def write(prefix: Path, arrays: Mapping[str, np.ndarray]) -> Path:
        content, entries = b"", [(b"", field(1, 1) + field(3, field(1, 1)))]
        for name in sorted(arrays):
            entries.append((name.encode(), entry(arrays[name], len(content))))
            content += arrays[name].tobytes()
        Path(f"{prefix}.index").write_bytes(table(entries))
        Path(f"{prefix}.data-00000-of-00001").write_bytes(content)
        return prefix

    return write


def drawn(name: str, shape: list[int], number: int) -> np.ndarray:
    """A variable of the golden runs: the number is its place in the order of creation."""
    values = np.random.RandomState(7000 + number).standard_normal(shape)
    if name.endswith("gamma"):
        values = 1 + 0.1 * values
    elif len(shape) == 1:
        values = 0.1 * values
    elif name.endswith(("/w", "depthwise_weights")):
        values = values * np.sqrt(2 / 9)
    else:
        values = values * np.sqrt(2 / np.prod(shape[:-1]))
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def golden_variables() -> Callable[[str], dict[str, np.ndarray]]:
    """The variables of one of the authors' networks by their names, with the weights of its golden output."""

    def draw(network: str) -> dict[str, np.ndarray]:
        shapes = VARIABLES[network].items()
        return {name: drawn(name, shape, number) for number, (name, shape) in enumerate(shapes)}

    return draw
