from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor

from toonlab import Catalogue, PartError
from toonlab.engine.evaluator import cartoonize
from toonlab.testing import TESTS
from toonlab.testing.frame import failures
from toonlab_exchange.export import to_onnx
from toonlab_exchange.generator import ONNXGenerator


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def model(path: Path, nodes: list[onnx.NodeProto], shape: list[Any], kind: int = TensorProto.FLOAT) -> Path:
    """A file with the input `x` and the output `y` of one shape."""
    given, result = (helper.make_tensor_value_info(name, kind, shape) for name in "xy")
    graph = helper.make_graph(nodes, "test", [given], [result])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def same(path: Path, shape: list[Any], kind: int = TensorProto.FLOAT) -> Path:
    return model(path, [helper.make_node("Identity", ["x"], ["y"])], shape, kind)


ANY = ["b", 3, "h", "w"]
LAST = ["b", "h", "w", 3]


def test_our_own_export_needs_only_its_path(catalogue: Catalogue, tmp_path: Path) -> None:
    torch.manual_seed(0)
    original = catalogue.make("generators", "ctss_unet", width=2).eval()
    (tmp_path / "ours.onnx").write_bytes(to_onnx(original, {}))
    generator = catalogue.make("generators", "onnx", path=tmp_path / "ours.onnx")
    assert (generator.side_multiple, generator.side_minimum) == (1, 8)
    for shape in ((2, 3, 33, 50), (1, 3, 5, 3)):
        photo = noise(*shape)
        torch.testing.assert_close(cartoonize(generator, photo), cartoonize(original, photo), rtol=0, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"range": "unit"}, {"range": "bytes"}, {"channels": "bgr"}])
@pytest.mark.parametrize("shape", [ANY, LAST])
def test_a_network_that_changes_nothing_gives_the_photo(tmp_path: Path, shape: list[Any], options: Any) -> None:
    generator = ONNXGenerator(same(tmp_path / "same.onnx", shape), **options)
    photo = noise(2, 3, 5, 7)
    torch.testing.assert_close(generator(photo), photo, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "add", "expected"),
    [
        ({}, 0.5, 0.5),  # of [-1, 1]
        ({"range": "unit"}, 0.25, 0.5),  # of [0, 1]
        ({"range": "bytes"}, 63.75, 0.5),  # of [0, 255]
        ({"range": "signed", "output_range": "unit"}, 1.0, 2.0),  # 0 + 1 of [0, 1] is 1 of [-1, 1], so 2 (0 + 1) - 1
    ],
)
def test_ranges(tmp_path: Path, options: Any, add: float, expected: float) -> None:
    constant = helper.make_node("Constant", [], ["c"], value_float=add)
    path = model(tmp_path / "add.onnx", [constant, helper.make_node("Add", ["x", "c"], ["y"])], ANY)
    photo = torch.zeros(1, 3, 4, 4)
    value = ONNXGenerator(path, **options)(photo).unique()
    torch.testing.assert_close(value, torch.tensor([expected if "output_range" not in options else 1.0]))


def test_whole_numbers_are_rounded(tmp_path: Path) -> None:
    generator = ONNXGenerator(same(tmp_path / "bytes.onnx", ANY, TensorProto.UINT8))
    levels = torch.arange(48.0).reshape(1, 3, 4, 4)
    torch.testing.assert_close((generator((levels + 0.3) / 127.5 - 1) + 1) * 127.5, levels, rtol=0, atol=1e-4)


def test_colours_are_swapped_both_ways(tmp_path: Path) -> None:
    """A network that blackens its first channel: red or blue."""
    keep = helper.make_node(
        "Constant", [], ["k"], value=onnx.numpy_helper.from_array(np.float32([0, 1, 1]).reshape(1, 3, 1, 1))
    )
    path = model(tmp_path / "first.onnx", [keep, helper.make_node("Mul", ["x", "k"], ["y"])], ANY)
    photo = torch.ones(1, 3, 2, 2)
    assert ONNXGenerator(path)(photo)[0, :, 0, 0].tolist() == [0, 1, 1]
    assert ONNXGenerator(path, channels="bgr")(photo)[0, :, 0, 0].tolist() == [1, 1, 0]


def test_sides_of_a_multiple(tmp_path: Path) -> None:
    generator = ONNXGenerator(same(tmp_path / "a.onnx", [1, 3, 8, 12]), multiple=4)
    photo = noise(2, 3, 7, 9)
    assert torch.equal(cartoonize(generator, photo), photo)
    with pytest.raises(PartError, match=r"a\.onnx: a picture of 9x7 pixels failed: .*dimensions"):
        generator(photo)


def test_the_output_has_to_be_a_picture_of_the_same_size(tmp_path: Path) -> None:
    pool = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])
    path = model(tmp_path / "half.onnx", [pool], ["b", 3, "h", "w"])
    with pytest.raises(PartError, match=r"got an output of the shape \(1, 3, 4, 4\), expected \(1, 3, 8, 8\)"):
        ONNXGenerator(path)(noise(1, 3, 8, 8))


def test_files_that_hold_no_generator(tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"nowhere\.onnx: no such file"):
        ONNXGenerator(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(PartError, match=r"text\.onnx: onnxruntime can't load it"):
        ONNXGenerator(tmp_path / "text.onnx")
    with pytest.raises(
        PartError, match=r"its inputs are x tensor\(float\) \['b', 3\], and its outputs 1; expected one"
    ):
        ONNXGenerator(same(tmp_path / "flat.onnx", ["b", 3]))


def test_the_manifest_follows_the_contents(tmp_path: Path) -> None:
    first = ONNXGenerator(same(tmp_path / "a.onnx", ANY)).manifest()
    assert ONNXGenerator(same(tmp_path / "b.onnx", ANY)).manifest() == first
    assert ONNXGenerator(same(tmp_path / "a.onnx", LAST)).manifest() != first


def test_threads_are_those_that_are_asked_for(tmp_path: Path) -> None:
    generator = ONNXGenerator(same(tmp_path / "a.onnx", ANY), threads=1)
    assert generator.session.get_session_options().intra_op_num_threads == 1


def test_it_passes_the_kit(tmp_path: Path) -> None:
    path = same(tmp_path / "a.onnx", ANY)
    assert failures(TESTS["generators"], ONNXGenerator, {"path": path}) == {}
