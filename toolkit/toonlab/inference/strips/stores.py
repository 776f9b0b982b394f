"""Where maps wait for a later stage: in memory, or in temporary files."""

import os
import tempfile
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.fx import Node

from toonlab.errors import ToonlabError

from .graph import ROWS, row_bytes, shape_of, tensor_of

ELSEWHERE = "make room, or set TMPDIR to a folder on a larger disk"


class Store(Protocol):
    """A map, written and read in strips of rows."""

    def write(self, first: int, rows: Tensor) -> None: ...
    def read(self, first: int, end: int) -> Tensor: ...
    def close(self) -> None: ...


class InMemory:
    """A map in the computer's memory."""

    def __init__(self, node: Node, device: torch.device) -> None:
        self.values = torch.empty(shape_of(node), dtype=tensor_of(node).dtype)
        self.device = device

    def write(self, first: int, rows: Tensor) -> None:
        self.values[:, :, first : first + rows.shape[ROWS]] = rows

    def read(self, first: int, end: int) -> Tensor:
        return self.values[:, :, first:end].to(self.device)

    def close(self) -> None:
        self.values = torch.empty(0)


class OnDisk:
    """A map in a file without a name, row after row, which vanishes with the process."""

    def __init__(self, node: Node, device: torch.device, folder: Path) -> None:
        batch, channels, _, *rest = shape_of(node)
        self.shape, self.dtype = (batch * channels, *rest), tensor_of(node).dtype
        self.row, self.device = row_bytes(node), device
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (`close` does it)

    def write(self, first: int, rows: Tensor) -> None:
        by_row = rows[0].transpose(0, 1).contiguous().cpu()
        view, place = by_row.view(torch.uint8).numpy().data.cast("B"), first * self.row
        try:
            while view:
                count = os.pwrite(self.file.fileno(), view, place)
                view, place = view[count:], place + count
        except OSError as error:
            raise ToonlabError(f"temporary files can't be written: {error.strerror}; {ELSEWHERE}") from error

    def read(self, first: int, end: int) -> Tensor:
        by_row = torch.empty((end - first, *self.shape), dtype=self.dtype)
        view, place = by_row.view(torch.uint8).numpy().data.cast("B"), first * self.row
        while view:
            count = os.preadv(self.file.fileno(), [view], place)
            view, place = view[count:], place + count
        return by_row.transpose(0, 1)[None].to(self.device).contiguous()

    def close(self) -> None:
        self.file.close()


def scratch() -> Path:
    """The folder of temporary files: that of TMPDIR, else /var/tmp, since /tmp may lie in memory."""
    usual = Path("/var/tmp")
    if "TMPDIR" not in os.environ and os.access(usual, os.W_OK):
        return usual
    return Path(tempfile.gettempdir())
