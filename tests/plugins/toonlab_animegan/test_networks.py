from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import PartError
from toonlab_animegan.networks import (
    AnimeGANDiscriminator,
    AnimeGANGenerator,
    AnimeGANv2Generator,
    Down,
    InstanceNorm,
    ZeroPadConv2d,
)


def test_instance_norm_matches_tensorflow(golden):
    arrays = golden("ctss_losses")
    output = InstanceNorm(4)(torch.from_numpy(arrays["layernorm_in"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays["instancenorm_out"]), rtol=0, atol=2e-6)


@pytest.mark.parametrize("mean", [0.0, 3e3])
def test_instance_norm_keeps_its_digits_far_from_zero(mean: float):
    """A mean far above the spread, and a spread near the root of eps: the digits of the input alone are lost."""
    images = mean + torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    expected = F.instance_norm(images.double())
    torch.testing.assert_close(InstanceNorm(3)(images).double(), expected, rtol=0, atol=1e-6)


def test_instance_norm_s_gradients_are_those_of_torch_s_in_float64():
    generator = torch.Generator().manual_seed(0)
    images, weights = (torch.randn(2, 3, 8, 6, generator=generator) for _ in range(2))
    ours = InstanceNorm(3)
    torch.nn.init.normal_(ours.weight, generator=generator)
    given, exact = images.clone().requires_grad_(), images.double().requires_grad_()
    (ours(given) * weights).sum().backward()
    scale = ours.weight.detach().double().requires_grad_()
    (F.instance_norm(exact, weight=scale) * weights).sum().backward()
    torch.testing.assert_close(given.grad.double(), exact.grad, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.weight.grad.double(), scale.grad, rtol=1e-5, atol=1e-5)


def test_instance_norm_leaves_its_input_and_takes_bf16():
    images = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    before = images.clone()
    output = InstanceNorm(2)(images)
    assert torch.equal(images, before)
    half = InstanceNorm(2)(images.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), output, rtol=0, atol=0.03)


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("width", "expected"), [(64, 3_956_096), (8, 69_808)])
def test_parameters_of_the_generator(width: int, expected: int):
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
    message = f"animegan: sides must be multiples of 4 and at least 8, got {width}x{height}"
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


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize(("channels", "expected"), [(3, 1_128_800), (1, 1_128_224)])
def test_parameters_of_the_discriminator(channels: int, expected: int, spectral_norm: bool):
    network = AnimeGANDiscriminator(channels, spectral_norm=spectral_norm)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_logits_match_animegan(golden, seeded_weights):
    arrays = golden("animegan_networks")
    with torch.no_grad():
        logits = seeded_weights(AnimeGANDiscriminator(3))(torch.from_numpy(arrays["x64"]).movedim(-1, 1))
    expected = torch.from_numpy(arrays["AnimeGAN_D_out"])
    torch.testing.assert_close(logits.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_x64_is_cut_from_the_photos(golden, images):
    expected = torch.from_numpy(golden("animegan_networks")["x64"]).movedim(-1, 1)
    assert torch.equal(images[:2, :, 64:128, 64:128], expected)


@pytest.mark.parametrize("sides", [(8, 8), (9, 12), (14, 11), (7, 7)])
@pytest.mark.parametrize("stride", [1, 2])
def test_zeros_are_added_at_the_top_and_left_alone_with_stride_2(stride: int, sides: tuple[int, int]):
    convolution, view = ZeroPadConv2d(2, 3, stride), torch.randn(1, 2, *sides)
    padded = F.pad(view, (1, 0, 1, 0) if stride == 2 else (1, 1, 1, 1))
    expected = F.conv2d(padded, convolution.weight, stride=stride)
    torch.testing.assert_close(convolution(view), expected)


@pytest.mark.parametrize(("side", "expected"), [(8, 2), (11, 2), (24, 6), (96, 24)])
def test_logits_are_a_quarter_of_the_side(side: int, expected: int):
    logits = AnimeGANDiscriminator(2, width=2)(torch.randn(3, 2, side, side + 4))
    assert logits.shape == (3, 1, expected, expected + 1)


def test_a_view_too_small_is_an_error():
    with pytest.raises(PartError, match="animegan: a view's sides must be at least 8, got 20x7"):
        AnimeGANDiscriminator(1, width=2)(torch.zeros(1, 1, 7, 20))


def test_gradient_reaches_every_parameter_and_the_view():
    network, view = AnimeGANDiscriminator(3, width=2), torch.randn(2, 3, 13, 16, requires_grad=True)
    network(view).square().sum().backward()
    assert all(tensor.grad.abs().max() > 0 for tensor in (view, *network.parameters()))


def test_evaluation_mode_changes_nothing():
    network, view = AnimeGANDiscriminator(1, width=2).eval(), torch.randn(1, 1, 16, 16)
    u = [buffer.clone() for buffer in network.buffers()]
    assert torch.equal(network(view), network(view))
    assert all(torch.equal(*pair) for pair in zip(network.buffers(), u, strict=True))


def test_spectral_norm_makes_the_logits_independent_of_the_weights_scale():
    network, view = AnimeGANDiscriminator(3, width=4).eval(), torch.randn(2, 3, 16, 16)
    expected = network(view)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.parametrizations.weight.original.mul_(3)
    torch.testing.assert_close(network(view), expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_normal():
    network = AnimeGANDiscriminator(3, spectral_norm=False)
    kernels = [module.weight.detach() for module in network.modules() if isinstance(module, nn.Conv2d)]
    for weight in kernels[1:-1]:
        torch.testing.assert_close(weight.std(), torch.tensor(0.02), rtol=0.03, atol=0)
    assert max(float(weight.abs().max()) for weight in kernels) > 0.06  # not truncated


def test_bf16_autocast_is_close():
    network, view = AnimeGANDiscriminator(1, width=8).eval(), torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        expected = network(view)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(view)
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=0.05 * float(expected.abs().max()))


def test_a_gradient_penalty_can_be_differentiated():
    """The derivative of |dD/dx|² along a change of the first kernel, against a central difference."""
    network = AnimeGANDiscriminator(1, width=2).double().eval()
    kernel = next(network.parameters())
    view = torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)

    def penalty() -> torch.Tensor:
        return torch.autograd.grad(network(view).sum(), view, create_graph=True)[0].square().sum()

    (gradient,) = torch.autograd.grad(penalty(), kernel)
    direction, step, values = torch.randn_like(kernel), 1e-7, []
    for sign in (1, -1):
        with torch.no_grad():
            kernel.add_(sign * step * direction)
        values.append(penalty().detach())
        with torch.no_grad():
            kernel.sub_(sign * step * direction)
    torch.testing.assert_close((gradient * direction).sum(), (values[0] - values[1]) / (2 * step), rtol=1e-3, atol=0)


def layer_normed(features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    flat = features.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    normed = (centred / (centred.square().mean(1, keepdim=True) + 1e-12).sqrt()).view_as(features)
    return normed * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


def doubled(features: Tensor) -> Tensor:
    """Each new sample lies at half its index of the old ones, beyond the last of which nothing changes."""
    for dim in (2, 3):
        length = features.shape[dim]
        places = torch.arange(2 * length) / 2
        low, high = places.floor().long(), places.ceil().long().clamp(max=length - 1)
        features = (features.index_select(dim, low) + features.index_select(dim, high)) / 2
    return features


def test_the_generator_of_v2_is_its_code_s_list_of_layers():
    """Written out from the weights, which are taken in their order; an independent norm, upsampling and padding."""
    network = AnimeGANv2Generator(width=2).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    x = noise(2, 3, 16, 24).double()
    left = iter(network.parameters())

    def conv(features: Tensor, stride: int = 1, depthwise: bool = False) -> Tensor:
        weight, bias = next(left), next(left) if depthwise else None
        side = weight.shape[-1] // 2
        pads = (0, 1, 0, 1) if stride == 2 else (side,) * 4
        padded = F.pad(features, pads, mode="reflect")
        return F.conv2d(padded, weight, bias, stride, groups=len(weight) if depthwise else 1)

    def block(features: Tensor, stride: int = 1, depthwise: bool = False) -> Tensor:
        return F.leaky_relu(layer_normed(conv(features, stride, depthwise), next(left), next(left)), 0.2)

    out = block(block(block(x), stride=2))
    out = block(block(block(out, stride=2)))
    for added in (False, True, True, True):
        branch = layer_normed(conv(block(block(out), depthwise=True)), next(left), next(left))
        out = out + branch if added else branch
    out = block(block(doubled(block(out))))
    expected = conv(block(block(block(doubled(out))))).tanh()
    assert next(left, None) is None
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-9)


def test_shapes_of_the_generator_of_v2():
    """Those of its code: the kernels, 5,696 scales and as many shifts of norms, and 1,792 biases of depthwise ones."""
    weights = [tuple(p.shape) for p in AnimeGANv2Generator().parameters() if p.ndim == 4]
    residual = [(512, 256, 1, 1), (512, 1, 3, 3), (256, 512, 1, 1)]
    assert weights == [
        *[(32, 3, 7, 7), (64, 32, 3, 3), (64, 64, 3, 3)],
        *[(128, 64, 3, 3), (128, 128, 3, 3)],
        *[(128, 128, 3, 3), (256, 128, 1, 1), (256, 1, 3, 3), (256, 256, 1, 1), *3 * residual, (128, 256, 3, 3)],
        *[(128, 128, 3, 3), (128, 128, 3, 3)],
        *[(64, 128, 3, 3), (64, 64, 3, 3), (32, 64, 7, 7), (3, 32, 1, 1)],
    ]
    assert sum(parameter.numel() for parameter in AnimeGANv2Generator().parameters()) == 2_143_552


def test_initial_weights_of_v2_are_he_s():
    """The variance is 2 over TensorFlow's number of inputs, which for a depthwise kernel counts all channels."""
    for module in AnimeGANv2Generator().modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 4000:
            fan = module.in_channels * module.kernel_size[0] ** 2
            torch.testing.assert_close(module.weight.detach().std(), torch.tensor((2 / fan) ** 0.5), rtol=0.04, atol=0)
        assert getattr(module, "bias", None) is None or not isinstance(module, nn.Conv2d) or not module.bias.any()


@pytest.mark.parametrize("sides", [(14, 16), (4, 4)])
def test_sides_that_do_not_fit_the_generator_of_v2(sides: tuple[int, int]):
    with pytest.raises(PartError, match="animegan_v2: sides must be"):
        AnimeGANv2Generator(width=2)(torch.zeros(1, 3, *sides))


def test_the_discriminator_of_v2_is_its_code_s_list_of_layers():
    network, out = AnimeGANDiscriminator(3, 2, spectral_norm=False, norm="layer").double(), noise(2, 3, 16, 12).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    expected, left = out, iter(network.parameters())
    for stride, norm in [(1, False), (2, False), (1, True), (2, False), (1, True), (1, True)]:
        expected = F.conv2d(F.pad(expected, (1, 0, 1, 0) if stride == 2 else (1, 1, 1, 1)), next(left), stride=stride)
        expected = layer_normed(expected, next(left), next(left)) if norm else expected
        expected = F.leaky_relu(expected, 0.2)
    expected = F.conv2d(expected, next(left), padding=1)
    torch.testing.assert_close(network(out), expected)
    assert sum(parameter.numel() for parameter in AnimeGANDiscriminator(3, norm="layer").parameters()) == 1_128_800
