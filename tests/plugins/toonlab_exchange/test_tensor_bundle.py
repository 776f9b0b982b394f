from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toonlab import ToonlabError
from toonlab_exchange.tensor_bundle import TensorBundle, masked_crc

from .conftest import Writer, block, field, table


def numbers() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    kernels = {f"net/conv_{i}/weights": random.normal(size=(3, 3, 2, i + 1)).astype(np.float32) for i in range(60)}
    others = {"global_step": np.array(7, np.int64), "half": np.ones(3, np.float16), "double": np.zeros((2, 0))}
    return kernels | others


def test_arrays_come_back(write_bundle: Writer, tmp_path: Path) -> None:
    arrays = numbers()
    bundle = TensorBundle.open(write_bundle(tmp_path / "model.ckpt-80", arrays))
    assert list(bundle.entries) == sorted(arrays)
    for name, array in arrays.items():
        read = bundle.read(name)
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("suffix", ["", ".index", ".meta", ".data-00000-of-00001"])
def test_any_of_its_files_names_a_checkpoint(write_bundle: Writer, tmp_path: Path, suffix: str) -> None:
    write_bundle(tmp_path / "model.ckpt-80", {"a": np.ones(2)})
    assert list(TensorBundle.open(tmp_path / f"model.ckpt-80{suffix}").entries) == ["a"]


def test_the_checksum_is_crc32c() -> None:
    crc = 0xE3069283  # the check value of CRC-32C, of these digits
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def test_every_byte_that_is_changed_is_found(write_bundle: Writer, tmp_path: Path) -> None:
    arrays = {f"net/{i}": np.arange(4.0) + i for i in range(3)}
    prefix = write_bundle(tmp_path / "a", arrays)
    for suffix in (".index", ".data-00000-of-00001"):
        path = Path(f"{prefix}{suffix}")
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 85]) + whole[place + 1 :])
            try:
                bundle = TensorBundle.open(prefix)
                read = {name: bundle.read(name) for name in arrays}
            except (ToonlabError, KeyError):
                continue
            assert suffix == ".index"  # padding of the footer, or the block of metadata, which nobody reads
            assert all(np.array_equal(read[name], arrays[name]) for name in arrays)
        path.write_bytes(whole)


@pytest.mark.parametrize(("suffix", "text"), [(".index", "is no index"), (".data-00000-of-00001", "is damaged: a is")])
def test_a_file_cut_short(write_bundle: Writer, tmp_path: Path, suffix: str, text: str) -> None:
    path = Path(f"{write_bundle(tmp_path / 'a', {'a': np.ones(100)})}{suffix}")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ToonlabError, match=text):
        TensorBundle.open(tmp_path / "a").read("a")


def test_missing_files(write_bundle: Writer, tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match=r"nowhere\.index: no such file; a TensorFlow checkpoint has one"):
        TensorBundle.open(tmp_path / "nowhere")
    bundle = TensorBundle.open(write_bundle(tmp_path / "a", {"a": np.ones(2)}))
    (tmp_path / "a.data-00000-of-00001").unlink()
    with pytest.raises(ToonlabError, match="data-00000-of-00001: can't be read: No such file"):
        bundle.read("a")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (field(1, 7), "a is no array of numbers"),  # text
        (field(1, 1) + field(2, 5), "a is no array of numbers"),
        (field(1, 1) + field(4, 2**63) + field(5, 4), "is damaged"),
        (field(1, 1) + field(2, field(2, field(1, 2**40))) + field(5, 2**42), "is damaged"),
    ],
)
def test_an_index_that_lies_is_an_error(write_bundle: Writer, tmp_path: Path, value: bytes, text: str) -> None:
    write_bundle(tmp_path / "a", {"a": np.ones(2)})
    (tmp_path / "a.index").write_bytes(table([(b"", field(1, 1)), (b"a", value)]))
    with pytest.raises(ToonlabError, match=text):
        TensorBundle.open(tmp_path / "a").read("a")


def test_compressed_blocks_and_other_byte_orders_are_refused(write_bundle: Writer, tmp_path: Path) -> None:
    write_bundle(tmp_path / "a", {"a": np.ones(2)})
    index = tmp_path / "a.index"
    index.write_bytes(table([(b"", field(1, 1) + field(2, 1))]))
    with pytest.raises(ToonlabError, match="big-endian"):
        TensorBundle.open(tmp_path / "a")
    first = block([(b"", field(1, 1))])
    made = table([(b"", field(1, 1))])
    index.write_bytes(made.replace(first, first[:-5] + b"\1" + masked_crc(first[:-5] + b"\1").to_bytes(4, "little")))
    with pytest.raises(ToonlabError, match="compressed, which TensorFlow's are not"):
        TensorBundle.open(tmp_path / "a")
