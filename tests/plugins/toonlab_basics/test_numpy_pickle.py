from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from toonlab import ToonlabError
from toonlab_basics.numpy_pickle import read_pickled_arrays

floats = npst.arrays(
    dtype=st.sampled_from(["<f2", "<f4", ">f4", "<f8", ">f8"]),
    shape=npst.array_shapes(min_dims=0, max_dims=4, max_side=3),
    elements=st.floats(-100, 100, width=16),
)


def npy(pickled: bytes) -> bytes:
    """A `.npy` file whose content is this pickle."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    return file.getvalue() + pickled


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@given(kernel=floats, bias=floats, fortran=st.booleans(), protocol=st.integers(2, 4))
def test_arrays_come_back(tmp_path_factory, kernel, bias, fortran: bool, protocol: int):
    kernel = np.asfortranarray(kernel) if fortran else kernel
    entries = np.empty((), dtype=object)
    entries[()] = {"conv": [kernel, bias], "other": [bias]}
    path = write(tmp_path_factory.mktemp("npy") / "w.npy", npy(pickle.dumps(entries, protocol)))
    read = read_pickled_arrays(path, ["conv"])
    assert list(read) == ["conv"]
    for actual, expected in zip(read["conv"], (kernel, bias), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)


def test_what_numpy_saves(tmp_path: Path):
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.save(tmp_path / "w.npy", {"a": [kernel, kernel[0, 0]]}, allow_pickle=True)
    read = read_pickled_arrays(tmp_path / "w.npy", ["a"])["a"]
    np.testing.assert_array_equal(read[0], kernel)
    np.testing.assert_array_equal(read[1], kernel[0, 0])


def python2_pickle(values: tuple[float, ...]) -> bytes:
    """{"a": [array]} in a 0-d object array, with the opcodes and module names of Python 2 and numpy 1."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value  # SHORT_BINSTRING, which Python 3 never writes

    def array(shape: bytes, dtype: bytes, order: bytes, data: bytes) -> bytes:
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
        kind = b"cnumpy\ndtype\n" + text(dtype) + b"K\x00K\x01\x87R"
        kind += b"(K\x03" + text(order) + b"NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
        return made + b"(K\x01" + shape + kind + b"\x89" + data + b"tb"

    data = struct.pack(f"<{len(values)}f", *values)
    inner = array(b"K" + bytes([len(values)]) + b"\x85", b"f4", b"<", text(data))
    return b"\x80\x02" + array(b")", b"O8", b"|", b"]}" + text(b"a") + b"]" + inner + b"asa") + b"."


def test_the_layout_of_python_2(tmp_path: Path):
    """As in `vgg19.npy`: strings of bytes, in which all 256 values must survive."""
    values = tuple(np.frombuffer(bytes(range(1, 249)), "<f4").tolist())
    path = write(tmp_path / "w.npy", npy(python2_pickle(values)))
    np.testing.assert_array_equal(read_pickled_arrays(path, ["a"])["a"][0], np.array(values, np.float32))


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.target, "you have been had")


def test_nothing_is_executed(tmp_path: Path):
    np.save(tmp_path / "w.npy", {"a": [Attack(tmp_path / "proof")]}, allow_pickle=True)
    with pytest.raises(ToonlabError, match=r"w\.npy: .*it names pathlib\.\S*Path.*refused") as caught:
        read_pickled_arrays(tmp_path / "w.npy", ["a"])
    assert not (tmp_path / "proof").exists()
    assert "\n" not in str(caught.value)
    np.load(tmp_path / "w.npy", allow_pickle=True)  # the attack itself is sound
    assert (tmp_path / "proof").exists()


@pytest.mark.parametrize("name", ["builtins eval", "os system", "numpy load", "numpy._core.multiarray scalar"])
def test_other_names_are_refused(tmp_path: Path, name: str):
    module, attribute = name.split()
    path = write(tmp_path / "w.npy", npy(f"c{module}\n{attribute}\n(S'1'\ntR.".encode()))
    with pytest.raises(ToonlabError, match=f"it names {module}.{attribute}, which is refused"):
        read_pickled_arrays(path, ["a"])


def saved(value: object, dtype: object = None) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(value, dtype=dtype), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04 no array", "magic string is not correct"),
        (b"", "EOF"),
        (saved([1.0, 2.0]), r"an array of shape \(2,\) and float64, expected a single object"),
        (saved({"a": [np.zeros(4)]})[:-40], "truncated|Ran out of input|exhausted"),
        (saved({"b": [np.zeros(4)]}), "has no entry 'a'"),
        (saved({"a": [np.array(["x"])]}), "expected floats"),
        (saved({"a": [np.array([{}], dtype=object)]}), "expected floats"),
        (saved([1, 2, 3], object), r"an array of shape \(3,\)"),
        (npy(python2_pickle((1.0, 2.0)).replace(b"K\x02\x85", b"K\x07\x85")), "cannot reshape"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, reason: str):
    with pytest.raises(ToonlabError, match=reason) as caught:
        read_pickled_arrays(write(tmp_path / "w.npy", content), ["a"])
    assert "w.npy: " in str(caught.value)
    assert "\n" not in str(caught.value)


@given(cut=st.integers(0, 400), flip=st.integers(0, 255))
def test_damaged_files_raise_one_kind_of_error_or_are_read(tmp_path_factory, cut: int, flip: int):
    """Another number is no damage that can be seen."""
    content = bytearray(saved({"a": [np.arange(8, dtype=np.float32)]}))
    content[128 + cut % (len(content) - 128)] ^= flip
    path = write(tmp_path_factory.mktemp("npy") / "w.npy", bytes(content))
    try:
        (read,), said = read_pickled_arrays(path, ["a"])["a"], ""
    except ToonlabError as error:
        read, said = None, str(error)
    assert (read is None) == said.startswith(f"{path}: ")
    assert "\n" not in said
    assert read is None or read.dtype.kind == "f"
