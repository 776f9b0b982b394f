from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab import PartError
from toonlab_animegan.generator import AnimeGANGenerator, Down


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("width", "expected"), [(64, 3_956_096), (8, 69_808)])
def test_parameters(width: int, expected: int):
    assert sum(parameter.numel() for parameter in AnimeGANGenerator(width).parameters()) == expected


def test_output_matches_animegan(golden, seeded_weights):
    arrays = golden("animegan_networks")
    with torch.no_grad():
        output = seeded_weights(AnimeGANGenerator())(torch.from_numpy(arrays["x64"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays["AnimeGAN_G_out"]), rtol=0, atol=1e-4)


def test_thinned_input_is_that_of_animegan(golden):
    """What the second way down sees, where TensorFlow's bilinear resize to half the size stands."""
    arrays = golden("animegan_networks")
    down, seen = Down(1, 1), []
    down.thinned.register_forward_pre_hook(lambda module, inputs: seen.append(*inputs))
    down(torch.from_numpy(arrays["downresize_in"]).movedim(-1, 1))
    assert torch.equal(seen[0].movedim(1, -1), torch.from_numpy(arrays["downresize_out"]))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (32, 16)])
def test_any_sides_that_are_multiples_of_4(height: int, width: int):
    output = AnimeGANGenerator(width=2)(noise(2, 3, height, width))
    assert output.shape == (2, 3, height, width)
    assert output.abs().max() <= 1


@pytest.mark.parametrize(("height", "width"), [(10, 16), (16, 18), (4, 16)])
def test_other_sides_are_an_error(height: int, width: int):
    message = f"animegan: sides must be multiples of 4 and at least 8, got {height}x{width}"
    with pytest.raises(PartError, match=message):
        AnimeGANGenerator(width=2)(noise(1, 3, height, width))


def test_gradient_reaches_every_parameter_and_is_that_of_float64():
    network, photo = AnimeGANGenerator(width=2), noise(1, 3, 16, 16)
    weights = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    (network(photo) * weights).sum().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert all(gradient.abs().max() > 0 for gradient in gradients.values())
    network.double().zero_grad()
    (network(photo.double()) * weights).sum().backward()
    for name, parameter in network.named_parameters():
        tolerance = 1e-3 * float(parameter.grad.abs().max()) + 1e-4  # the norms are ill-conditioned on so few pixels
        torch.testing.assert_close(gradients[name].double(), parameter.grad, rtol=0, atol=tolerance)


def test_channels_last_computes_the_same():
    network, photo = AnimeGANGenerator(width=4).eval(), noise(1, 3, 16, 16)
    expected = network(photo)
    network.to(memory_format=torch.channels_last)
    output = network(photo.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-4)


def test_bf16_autocast_gives_a_float32_picture():
    network, photo = AnimeGANGenerator(width=8), noise(1, 3, 32, 32)
    expected = network(photo)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(photo)
    assert output.dtype == torch.float32
    assert (output - expected).abs().mean() < 0.05  # of a network with random weights, 40 norms deep


def test_initial_weights():
    """Glorot and Bengio's uniform ones; in the residual blocks' depthwise convolutions a truncated normal of 0.02."""
    network = AnimeGANGenerator()
    residual = {id(block.depthwise[0]) for block in network.m[1:-1]}
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert all(convolution.bias is None for convolution in convolutions)
    for convolution in convolutions:
        weight = convolution.weight.detach()
        if id(convolution) in residual:
            assert 0.035 < weight.abs().max() <= 0.04
            torch.testing.assert_close(weight.std(), torch.tensor(0.88 * 0.02), rtol=0.03, atol=0)
        else:
            outputs, inputs, *sides = weight.shape
            bound = (6 / ((inputs + outputs) * sides[0] * sides[1])) ** 0.5
            assert 0.95 * bound < weight.abs().max() <= bound
