"""Read `.npy` weights that are a pickled dict of arrays, without executing the pickle's code.

A pickle names functions and calls them. Here the names that numpy's arrays need map to inert records of this module,
every other name is an error, and the arrays are built from the records' bytes after unpickling.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from toonlab import ToonlabError, first_line


def read_pickled_arrays(path: Path, names: Iterable[str], optional: Iterable[str] = ()) -> dict[str, list[np.ndarray]]:
    """The arrays of entries of a `.npy` file with one pickled dict, name -> list of arrays.

    Of the `optional` names it reads those that there are. The file may come from Python 2 or 3 and any numpy, such as
    `vgg19.npy` of tensorflow-vgg.

    Raises:
        ToonlabError: if the file has another format, lacks a name, or names anything but numpy's arrays, in which case
            none of it has been called.
    """
    try:
        entries = _unpickle(path)
        wanted = [*names, *(name for name in optional if name in entries)]
        return {name: [array.numpy() for array in entries[name]] for name in wanted}
    except KeyError as error:
        raise ToonlabError(f"{path}: has no entry {error}") from error
    except Exception as error:  # a damaged pickle fails in many ways
        raise ToonlabError(f"{path}: is no .npy of a pickled dict of arrays: {first_line(error)}") from error


def _unpickle(path: Path) -> dict[str, list[_Array]]:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"format version {version}, expected (1, 0)")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if shape != () or dtype != np.dtype(object):
            raise ValueError(f"an array of shape {shape} and {dtype}, expected a single object")
        (entries,) = _ArraysOnly(file, encoding="latin1").load().data
    return entries


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that accepts numpy's arrays only."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core", "numpy._core")  # the name before numpy 2
        if (module, name) not in _STANDS_FOR:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is refused")
        return _STANDS_FOR[module, name]


class _DType:
    """A pickled `numpy.dtype`: a type code such as `f4`, and a byte order."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _Array:
    """A pickled `numpy.ndarray`: shape, dtype, memory order, and its bytes (or the objects of an object array)."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.dtype, self.fortran, self.data = state

    def numpy(self) -> np.ndarray:
        dtype = np.dtype(self.dtype.order + self.dtype.code)
        if dtype.kind != "f":
            raise ValueError(f"an array of {dtype}, expected floats")
        data = self.data.encode("latin1") if isinstance(self.data, str) else self.data  # str from Python 2
        return np.frombuffer(data, dtype).reshape(self.shape, order="F" if self.fortran else "C")


_STANDS_FOR = {
    ("numpy._core.multiarray", "_reconstruct"): lambda *_: _Array(),
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): lambda text, *_: text.encode("latin1"),  # how Python 3 writes bytes in protocol 2
}
