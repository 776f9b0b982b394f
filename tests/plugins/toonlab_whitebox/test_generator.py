from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab import PartError
from toonlab.ops.filters import guided_filter
from toonlab_whitebox.generator import WhiteboxUNet


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def test_parameters():
    assert sum(parameter.numel() for parameter in WhiteboxUNet().parameters()) == 1_467_075


def test_output_matches_whitebox(golden, seeded_weights):
    arrays = golden("whitebox_networks")
    with torch.no_grad():
        output = seeded_weights(WhiteboxUNet(guided_radius=0))(torch.from_numpy(arrays["x64_bgr"]).movedim(-1, 1))
    expected = torch.from_numpy(arrays["unet_generator_out"])
    torch.testing.assert_close(output.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_input_is_that_of_the_golden_run(golden, images):
    cropped = images[:2, :, 64:128, 64:128].flip(1).movedim(1, -1)
    torch.testing.assert_close(cropped, torch.from_numpy(golden("whitebox_networks")["x64_bgr"]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("training", "eps"), [(True, 1e-2), (False, 5e-3)])
def test_the_photo_guides_the_output(training: bool, eps: float):
    guided, plain = WhiteboxUNet(width=4), WhiteboxUNet(width=4, guided_radius=0)
    plain.load_state_dict(guided.state_dict())
    photo = noise(2, 3, 16, 20)
    expected = guided_filter(photo, plain(photo), radius=1, eps=eps)
    assert torch.equal(guided.train(training)(photo), expected)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (32, 16)])
def test_any_sides_that_are_multiples_of_4(height: int, width: int):
    assert WhiteboxUNet(width=2)(noise(2, 3, height, width)).shape == (2, 3, height, width)


@pytest.mark.parametrize(("height", "width"), [(10, 16), (16, 18)])
def test_other_sides_are_an_error(height: int, width: int):
    with pytest.raises(PartError, match=f"whitebox_unet: sides must be multiples of 4, got {height}x{width}"):
        WhiteboxUNet(width=2)(noise(1, 3, height, width))


@pytest.mark.parametrize("guided_radius", [0, 1])
def test_gradient_reaches_every_parameter(guided_radius: int):
    network = WhiteboxUNet(width=4, guided_radius=guided_radius)
    network(noise(1, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_gradient_is_that_of_the_finite_difference():
    """The activations overwrite their inputs: what autograd keeps must not be among them."""
    network, photo = WhiteboxUNet(width=2).double(), noise(1, 3, 8, 8).double()
    weight = next(network.parameters())
    direction, step = torch.randn_like(weight), 1e-6

    def energy_at(distance: float) -> Tensor:
        start = weight.detach().clone()
        with torch.no_grad():
            weight.add_(distance * direction)
            energy = network(photo).square().sum()
            weight.copy_(start)
        return energy

    (gradient,) = torch.autograd.grad(network(photo).square().sum(), weight)
    expected = (energy_at(step) - energy_at(-step)) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-5, atol=0)


def test_channels_last_computes_the_same():
    network, photo = WhiteboxUNet(width=4).eval(), noise(1, 3, 16, 16)
    expected = network(photo)
    network.to(memory_format=torch.channels_last)
    output = network(photo.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


def test_bf16_autocast_gives_a_float32_picture():
    network, photo = WhiteboxUNet(width=8), noise(1, 3, 32, 32)
    expected = network(photo)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(photo)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, expected, rtol=0, atol=0.1)
