"""Exported generators compute in onnxruntime what they compute in torch, at any size."""

from __future__ import annotations

import json
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from toonlab import Catalogue, ToonlabError
from toonlab.engine.evaluator import cartoonize
from toonlab_exchange.export import AnySize, check, to_onnx

RECIPE = {"about": "a test", "train": {"seed": 3}}
GENERATORS = ["ctss_unet", "ctss_plain", "animegan", "animegan_v2", "whitebox_unet", "cartoongan"]


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def exported(catalogue: Catalogue) -> dict[str, tuple[nn.Module, bytes]]:
    torch.manual_seed(0)
    made = {name: catalogue.make("generators", name, width=2).eval() for name in GENERATORS}
    return {name: (generator, to_onnx(generator, RECIPE)) for name, generator in made.items()}


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("shape", [(1, 64, 1000), (3, 65, 77), (1, 999, 401), (2, 9, 8)])
def test_any_size_and_batch(exported: Any, name: str, shape: tuple[int, int, int]) -> None:
    """Also where the picture is padded, which is done as `toonlab cartoonize` does it."""
    generator, content = exported[name]
    batch, height, width = shape
    photo = noise(batch, 3, height, width)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"photo": photo.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), cartoonize(generator, photo), rtol=0, atol=1e-4)


def test_metadata_and_opset(exported: Any) -> None:
    model = onnx.load_from_string(exported["ctss_unet"][1])
    onnx.checker.check_model(model)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(notes["toonlab"]) == RECIPE
    assert notes["license"] == "network: Apache-2.0 (toonlab); weights: not stated"
    assert notes["smallest_side"] == "8"
    assert "float32 in [-1, 1]" in notes["pictures"]
    assert model.opset_import[0].version >= 17
    sides = [side.dim_param or side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim]
    assert sides == ["batch", 3, "height", "width"]


@pytest.mark.parametrize(("groups", "affine"), [(1, True), (8, True), (8, False), (4, True)])
def test_norms_of_large_pictures_keep_their_digits(groups: int, affine: bool) -> None:
    """onnxruntime's own norm of one group is 1e-4 off on a smooth picture of this size."""
    torch.manual_seed(0)
    norm = nn.GroupNorm(groups, 8, affine=affine)
    generator = nn.Sequential(nn.Conv2d(3, 8, 1), norm, nn.Conv2d(8, 3, 1), nn.Tanh()).eval()
    ramp = torch.linspace(-1, 1, 1000)
    photo = torch.stack([ramp[:, None] * ramp, ramp[:, None].expand(1000, 1000), ramp.expand(1000, 1000)])[None]
    session = onnxruntime.InferenceSession(to_onnx(generator, {}), providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(None, {"photo": photo.numpy()})[0])
    with torch.no_grad():
        torch.testing.assert_close(found, generator(photo), rtol=0, atol=1e-4 if groups == 4 else 1e-5)


class Traced(nn.Module):
    """Looks at the size of its input in a way that a trace does not keep."""

    def forward(self, photo: Tensor) -> Tensor:
        return photo / float(photo.shape[-1])


def test_a_generator_that_computes_something_else_there_is_refused() -> None:
    with pytest.raises(ToonlabError, match=r"onnxruntime disagrees with torch by .* on 1 photos of 64x64 pixels, more"):
        to_onnx(Traced(), RECIPE)


def test_the_check_finds_other_shapes_and_nan(exported: Any) -> None:
    network = AnySize(exported["cartoongan"][0])
    assert check(network, exported["cartoongan"][1]) < 1e-4
    for wrong in (lambda photo: network(photo)[..., 1:], lambda photo: network(photo) * float("nan")):
        with pytest.raises(ToonlabError, match="onnxruntime disagrees"):
            check(wrong, exported["cartoongan"][1])


class Unexportable(nn.Module):
    def forward(self, photo: Tensor) -> Tensor:
        return torch.linalg.svd(photo)[0]


def test_what_onnx_has_not_is_one_line() -> None:
    with pytest.raises(ToonlabError, match="Unexportable can't be exported to ONNX: ") as caught:
        to_onnx(Unexportable(), RECIPE)
    assert "\n" not in str(caught.value)


def test_sides_are_padded_as_in_cartoonize() -> None:
    class Sum(nn.Module):
        side_multiple = 4

        def forward(self, photo: Tensor) -> Tensor:
            assert photo.shape[-2] % 4 == photo.shape[-1] % 4 == 0
            return photo * 0 + photo.mean((2, 3), keepdim=True)

    for height, width in ((8, 8), (9, 11), (10, 13), (12, 4)):
        photo = noise(1, 3, height, width)
        assert torch.equal(AnySize(Sum())(photo), cartoonize(Sum(), photo))
