from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab import PartError
from toonlab_cartoongan.generator import CartoonGenerator

LUA = {"padding": "reflect", "affine": True}


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 11_120_195), (LUA, 11_129_667), ({**LUA, "blocks": 16}, 20_579_139)]
)
def test_parameters(options: dict, expected: int):
    with torch.device("meta"):
        network = CartoonGenerator(**options)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_output_matches_cartoongan(golden, pytorch_weights):
    arrays = golden("cartoongan_networks_losses")
    with torch.no_grad():
        output = pytorch_weights(CartoonGenerator())(torch.from_numpy(arrays["x64_nchw"]))
    torch.testing.assert_close(output, torch.from_numpy(arrays["G_out"]), rtol=0, atol=1e-4)


def test_input_is_that_of_the_golden_run(golden, images: Tensor):
    expected = torch.from_numpy(golden("cartoongan_networks_losses")["x64_nchw"])
    torch.testing.assert_close(images[:2, :, 64:128, 64:128], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [{}, LUA])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (32, 16)])
def test_any_sides_that_are_multiples_of_4(options: dict, height: int, width: int):
    output = CartoonGenerator(width=4, blocks=1, **options)(noise(2, 3, height, width))
    assert output.shape == (2, 3, height, width)
    assert output.abs().max() <= 1


@pytest.mark.parametrize(("height", "width"), [(10, 16), (16, 18), (4, 16)])
def test_other_sides_are_an_error(height: int, width: int):
    with pytest.raises(
        PartError, match=f"cartoongan: sides must be multiples of 4 and at least 8, got {height}x{width}"
    ):
        CartoonGenerator(width=4, blocks=1)(noise(1, 3, height, width))


@pytest.mark.parametrize("options", [{}, LUA])
def test_gradient_reaches_every_parameter(options: dict):
    network = CartoonGenerator(width=4, blocks=2, **options)
    network(noise(1, 3, 16, 16)).square().sum().backward()
    kernels = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(kernels) == 2 * 2 + 10
    assert all(kernel.grad.abs().max() > 0 for kernel in kernels)
    if options:
        assert all(m.weight.grad.abs().max() > 0 for m in network.modules() if isinstance(m, nn.GroupNorm))


def test_norm_is_instance_norm():
    features = noise(2, 8, 5, 6) * 3 + 1
    norm = next(m for m in CartoonGenerator(width=8, blocks=1).modules() if isinstance(m, nn.GroupNorm))
    torch.testing.assert_close(norm(features), nn.functional.instance_norm(features))


def test_reflect_padding_pads_what_the_lua_code_pads():
    modes = [
        m.padding_mode for m in CartoonGenerator(width=2, blocks=1, padding="reflect").modules() if type(m) is nn.Conv2d
    ]
    first, down, block, up, last = modes[:1], modes[1:5], modes[5:7], modes[7:9], modes[9:]
    assert {*first, *block, *last} == {"reflect"}
    assert {*down, *up} == {"zeros"}


def test_initial_weights_are_normal_and_biases_zero():
    convolutions = [m for m in CartoonGenerator(width=16).modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert all((module.bias == 0).all() for module in convolutions)
    for module in convolutions[5:]:
        torch.testing.assert_close(module.weight.std(), torch.tensor(0.02), rtol=0.05, atol=0)


def test_bf16_autocast_gives_a_float32_picture():
    network, photo = CartoonGenerator(width=8, blocks=2), noise(1, 3, 32, 32)
    with torch.no_grad():
        expected = network(photo)
        with torch.autocast("cpu", torch.bfloat16):
            output = network(photo)
    assert output.dtype == torch.float32
    assert (output - expected).abs().mean() < 0.02
