"""A generator of another program, from an ONNX file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveInt
from torch import Tensor, nn

from toonlab import PartError, first_line

Range = Literal["signed", "unit", "bytes"]
Values = NDArray[np.generic]

METADATA = "toonlab"  # the entry of a file's metadata that says that toonlab exported it; the recipe, as JSON
SMALLEST = "smallest_side"
_SCALES = {"signed": (1.0, 0.0), "unit": (0.5, 0.5), "bytes": (127.5, 127.5)}  # of [-1, 1]: factor, then sum
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class ONNXGenerator(nn.Module):
    """A generator that another program trained and exported, run by onnxruntime on the CPU.

    `(B, 3, H, W)` in [-1, 1] -> the same, one photo at a time. Files that `toonlab export` wrote need nothing but the
    path. The file's contents are part of a run's identity.

    Args:
        path: of a file with one input and one output, three channels each.
        range: of the input: `signed` is [-1, 1], `unit` [0, 1], `bytes` [0, 255]; by default `bytes` for whole numbers,
            otherwise `signed`.
        output_range: of the output; by default as the input's.
        layout: of input and output; by default `nhwc` where the input's last dimension is 3.
        channels: their order in input and output.
        multiple: what both sides must be multiples of; photos are padded and the results cropped.
        threads: of onnxruntime; by default as many as torch has.
    """

    def __init__(
        self,
        path: Path,
        range: Range | None = None,
        output_range: Range | None = None,
        layout: Literal["nchw", "nhwc"] | None = None,
        channels: Literal["rgb", "bgr"] = "rgb",
        multiple: PositiveInt = 1,
        threads: PositiveInt | None = None,
    ) -> None:
        super().__init__()
        self.path, self.threads = path.expanduser(), threads
        if not self.path.is_file():
            raise PartError(f"{path}: no such file")
        if find_spec("onnxruntime") is None:
            raise PartError("needs onnxruntime: pip install 'toonlab[onnx]'")
        kind, shape = self.session.get_inputs()[0].type, self.session.get_inputs()[0].shape
        ours = self.session.get_modelmeta().custom_metadata_map
        self.numbers = _TYPES[kind]
        self.range = range or ("bytes" if kind == "tensor(uint8)" else "signed")
        self.output_range = output_range or self.range
        self.layout = layout or ("nhwc" if shape[-1] == 3 and shape[1] != 3 else "nchw")
        self.channels = channels
        self.side_multiple, self.side_minimum = multiple, int(ours.get(SMALLEST, 1))

    @cached_property
    def session(self) -> Any:
        """The network in onnxruntime.

        Raises:
            PartError: if the file holds none with one input of pictures and one output.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads or torch.get_num_threads()
        options.log_severity_level = 3  # errors, which are raised as well
        try:
            session = onnxruntime.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of many types, none of them public
            raise PartError(f"{self.path}: onnxruntime can't load it: {first_line(error)}") from error
        found = [f"{given.name} {given.type} {given.shape}" for given in session.get_inputs()]
        pictures = [given for given in session.get_inputs() if len(given.shape) == 4 and given.type in _TYPES]
        if len(found) != 1 or not pictures or len(session.get_outputs()) != 1:
            text = f"its inputs are {', '.join(found)}, and its outputs {len(session.get_outputs())}"
            raise PartError(f"{self.path}: {text}; expected one input of pictures and one output")
        return session

    def __getstate__(self) -> dict[str, Any]:
        """What a copy keeps: all but the session, which it makes itself."""
        return {name: value for name, value in vars(self).items() if name != "session"}

    def manifest(self) -> Mapping[str, Any]:
        """The digest of the file's contents."""
        with self.path.open("rb") as file:
            return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}

    @torch.no_grad()
    def forward(self, photo: Tensor) -> Tensor:
        fakes = [torch.from_numpy(self._fake(one.numpy())) for one in photo.detach().float().cpu()]
        return torch.stack(fakes).to(photo.device, photo.dtype)

    def _fake(self, photo: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(3, H, W)` in [-1, 1] -> the same."""
        given = self._arranged(photo[None] if self.channels == "rgb" else photo[None, ::-1])
        try:
            (output,) = self.session.run(None, {self.session.get_inputs()[0].name: given})
        except Exception as error:
            text = f"a picture of {photo.shape[2]}x{photo.shape[1]} pixels failed: {first_line(error)}"
            raise PartError(f"{self.path}: {text}") from error
        fake = output.transpose(0, 3, 1, 2) if self.layout == "nhwc" and output.ndim == 4 else output
        if fake.shape != (1, *photo.shape):
            expected = f"expected {(1, *photo.shape)}; is `layout` right, or a `multiple` of sides needed?"
            raise PartError(f"{self.path}: got an output of the shape {fake.shape}, {expected}")
        factor, shift = _SCALES[self.output_range]
        values = (fake[0].astype(np.float32) - shift) / factor
        return np.ascontiguousarray(values if self.channels == "rgb" else values[::-1], dtype=np.float32)

    def _arranged(self, photo: NDArray[np.float32]) -> Values:
        """`(1, 3, H, W)` in [-1, 1] as the network takes it."""
        factor, shift = _SCALES[self.range]
        values = photo * np.float32(factor) + np.float32(shift)
        values = values.transpose(0, 2, 3, 1) if self.layout == "nhwc" else values
        whole = values.round() if self.numbers is np.uint8 else values
        return np.ascontiguousarray(whole, dtype=self.numbers)
