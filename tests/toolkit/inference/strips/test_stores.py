"""Maps in memory and on disk come back as they were written."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.fx import Graph, Node

from toonlab import ToonlabError
from toonlab.inference.strips.stores import InMemory, OnDisk, Store, scratch

CPU = torch.device("cpu")


def node(*shape: int, dtype: torch.dtype = torch.float32) -> Node:
    made = Graph().placeholder("map")
    made.meta["val"] = torch.empty(shape, dtype=dtype)
    return made


@pytest.mark.parametrize("shape", [(1, 3, 20, 7), (1, 2, 20, 3, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("make", [lambda n, folder: InMemory(n, CPU), lambda n, folder: OnDisk(n, CPU, folder)])
def test_rows_come_back(
    make: Callable[[Node, Path], Store], shape: tuple[int, ...], dtype: torch.dtype, tmp_path: Path
) -> None:
    store, values = make(node(*shape, dtype=dtype), tmp_path), torch.rand(shape).to(dtype)
    for first, end in ((0, 8), (8, 9), (9, 20)):
        store.write(first, values[:, :, first:end])
    for first, end in ((0, 20), (5, 12), (19, 20)):
        assert torch.equal(store.read(first, end), values[:, :, first:end])
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    store, before = OnDisk(node(1, 3, 20, 70), CPU, tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ToonlabError, match=r"temporary files can't be written: .*; make room, or set TMPDIR to"):
            store.write(0, torch.zeros(1, 3, 20, 70))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        store.close()


def test_the_folder_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert scratch() == tmp_path
    monkeypatch.delenv("TMPDIR")
    assert scratch() in (Path("/var/tmp"), Path(tempfile.gettempdir()))
