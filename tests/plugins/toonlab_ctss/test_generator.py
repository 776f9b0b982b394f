from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab import PartError
from toonlab_ctss.generator import ctss_plain, ctss_unet

BOTH = pytest.mark.parametrize("factory", [ctss_unet, ctss_plain])


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("factory", "expected"), [(ctss_unet, 2_233_920), (ctss_plain, 2_141_760)])
def test_parameters(factory, expected: int):
    assert sum(parameter.numel() for parameter in factory().parameters()) == expected


@pytest.mark.parametrize(("factory", "name"), [(ctss_unet, "G_net_unet_out"), (ctss_plain, "G_net_out")])
def test_output_matches_ctss(golden, seeded_weights, factory, name: str):
    arrays = golden("ctss_networks")
    with torch.no_grad():
        output = seeded_weights(factory())(torch.from_numpy(arrays["x64"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays[name]), rtol=0, atol=1e-4)


@BOTH
@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (32, 16)])
def test_any_sides_that_are_multiples_of_4(factory, height: int, width: int):
    output = factory(width=4)(noise(2, 3, height, width))
    assert output.shape == (2, 3, height, width)
    assert output.abs().max() <= 1


@pytest.mark.parametrize(("height", "width"), [(10, 16), (16, 18), (4, 16)])
def test_other_sides_are_an_error(height: int, width: int):
    message = f"ctss_unet: sides must be multiples of 4 and at least 8, got {height}x{width}"
    with pytest.raises(PartError, match=message):
        ctss_unet(width=4)(noise(1, 3, height, width))


@BOTH
def test_gradient_reaches_every_parameter(factory):
    network = factory(width=4)
    network(noise(1, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


@BOTH
def test_channels_last_computes_the_same(factory):
    network, photo = factory(width=4).eval(), noise(1, 3, 16, 16)
    expected = network(photo)
    network.to(memory_format=torch.channels_last)
    output = network(photo.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


def test_bf16_autocast_gives_a_float32_picture():
    network, photo = ctss_unet(width=8), noise(1, 3, 32, 32)
    expected = network(photo)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(photo)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, expected, rtol=0, atol=0.1)


def test_initial_weights_are_those_of_tensorflow():
    """He's, after truncation; for a depthwise kernel with all its channels counted as inputs, so much smaller."""
    convolutions = [module for module in ctss_unet().modules() if isinstance(module, nn.Conv2d)]
    assert all(convolution.bias is None for convolution in convolutions)
    for convolution in convolutions[:-1]:  # the last has too few weights to tell
        weight = convolution.weight.detach()
        fan_in = convolution.in_channels * weight[0, 0].numel()
        torch.testing.assert_close(weight.std(), torch.tensor((2 / fan_in) ** 0.5), rtol=0.05, atol=0)
        assert weight.abs().max() <= 2 * (2.6 / fan_in) ** 0.5
