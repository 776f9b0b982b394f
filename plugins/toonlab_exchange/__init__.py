"""Exchange with other programs: authors' checkpoints, and ONNX in both directions."""

from collections.abc import Mapping

import toonlab

from .generator import ONNXGenerator


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {"onnx": ONNXGenerator}
