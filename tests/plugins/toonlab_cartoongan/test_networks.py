from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab import PartError
from toonlab_cartoongan.networks import CartoonDiscriminator, CartoonGenerator, convolution, initialise, instance_norm


@pytest.mark.parametrize(("kernel_size", "stride", "sides"), [(3, 1, (7, 10)), (7, 1, (7, 10)), (3, 2, (4, 5))])
def test_a_convolution_keeps_sides_or_halves_them_rounded_up(
    kernel_size: int, stride: int, sides: tuple[int, int]
) -> None:
    layer = convolution(3, 5, kernel_size, stride)
    assert layer(torch.zeros(2, 3, 7, 10)).shape == (2, 5, *sides)
    assert layer.bias is not None


def test_reflection_is_at_the_border_only() -> None:
    images = torch.rand(1, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    zeros, reflect = convolution(2, 2), convolution(2, 2, padding="reflect")
    reflect.load_state_dict(zeros.state_dict())
    a, b = zeros(images), reflect(images)
    torch.testing.assert_close(a[..., 1:-1, 1:-1], b[..., 1:-1, 1:-1])
    assert (a - b).abs().amax((0, 1))[0].min() > 0


def test_the_norm_is_torchs_instance_norm() -> None:
    features = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0)) * 3 + 2
    torch.testing.assert_close(instance_norm(6, affine=False)(features), nn.InstanceNorm2d(6)(features))
    assert not list(instance_norm(6, affine=False).parameters())
    assert [p.numel() for p in instance_norm(6, affine=True).parameters()] == [6, 6]


@pytest.mark.parametrize("layer", [nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 3)])
def test_initial_kernels_are_normal_and_biases_zero(layer: nn.Module) -> None:
    torch.manual_seed(0)
    initialise(layer)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert layer.weight.mean().abs() < 5e-4
    assert not layer.bias.any()


def test_other_layers_are_left_as_they_are() -> None:
    norm = instance_norm(4, affine=True)
    initialise(norm)
    assert torch.equal(norm.weight, torch.ones(4))


LUA = {"padding": "reflect", "affine": True}


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 11_120_195), (LUA, 11_129_667), ({**LUA, "blocks": 16}, 20_579_139)]
)
def test_parameters_of_the_generator(options: dict, expected: int):
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
        PartError, match=f"cartoongan: sides must be multiples of 4 and at least 8, got {width}x{height}"
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


@pytest.mark.parametrize(
    ("channels", "affine", "expected"), [(3, False, 1_128_385), (1, False, 1_127_809), (3, True, 1_129_665)]
)
def test_parameters_of_the_discriminator(channels: int, affine: bool, expected: int):
    network = CartoonDiscriminator(in_channels=channels, affine=affine)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_probabilities_match_cartoongan(golden, pytorch_weights):
    arrays = golden("cartoongan_networks_losses")
    with torch.no_grad():
        logits = pytorch_weights(CartoonDiscriminator(in_channels=3))(torch.from_numpy(arrays["x64_nchw"]))
    torch.testing.assert_close(logits.sigmoid(), torch.from_numpy(arrays["D_out"]), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("side", "expected"), [(8, 2), (9, 3), (40, 10), (41, 11)])
def test_logits_are_a_quarter_of_the_side(side: int, expected: int):
    logits = CartoonDiscriminator(in_channels=2, width=2)(torch.randn(3, 2, side, side + 8))
    assert logits.shape == (3, 1, expected, expected + 2)


def test_a_view_too_small_is_an_error():
    with pytest.raises(PartError, match="cartoongan: a view's sides must be at least 8, got 20x7"):
        CartoonDiscriminator(in_channels=1)(torch.zeros(1, 1, 7, 20))


@pytest.mark.parametrize("affine", [False, True])
def test_gradient_reaches_every_kernel_and_the_view(affine: bool):
    network, view = CartoonDiscriminator(3, width=4, affine=affine), torch.randn(2, 3, 16, 16, requires_grad=True)
    network(view).square().sum().backward()
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d) or (affine and isinstance(m, nn.GroupNorm))]
    assert len(modules) == 7 + 3 * affine
    assert all(module.weight.grad.abs().max() > 0 for module in modules)
    assert view.grad.abs().amax((1, 2, 3)).min() > 0


def test_a_gradient_penalty_can_be_differentiated():
    """The derivative of |dD/dx|² along a change of the first kernel, against a central difference."""
    network = CartoonDiscriminator(1, width=2).double()
    kernel = network.layers[0].weight
    view = torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)

    def penalty() -> Tensor:
        return torch.autograd.grad(network(view).sum(), view, create_graph=True)[0].square().sum()

    (gradient,) = torch.autograd.grad(penalty(), kernel)
    direction, step, values = torch.randn_like(kernel), 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            kernel.add_(sign * step * direction)
        values.append(penalty().detach())
        with torch.no_grad():
            kernel.sub_(sign * step * direction)
    torch.testing.assert_close((gradient * direction).sum(), (values[0] - values[1]) / (2 * step), rtol=1e-4, atol=0)
