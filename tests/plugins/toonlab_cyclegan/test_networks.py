"""CycleGAN's networks against the paper's layers, written out from their weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import PartError
from toonlab_cyclegan import register_discriminators, register_generators
from toonlab_cyclegan.networks import PatchGAN, ResNet


def images(size: int = 16, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def weights(net: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Kernel and bias of each convolution, in order."""
    kinds = nn.Conv2d | nn.ConvTranspose2d
    return [(m.weight, m.bias) for m in net.modules() if isinstance(m, kinds) and m.bias is not None]


def normed(features: Tensor) -> Tensor:
    mean, variance = features.mean((2, 3), keepdim=True), features.var((2, 3), keepdim=True, correction=0)
    return (features - mean) / (variance + 1e-5).sqrt()


def reflected(features: Tensor, weight: Tensor, bias: Tensor, pad: int) -> Tensor:
    return F.conv2d(F.pad(features, (pad, pad, pad, pad), mode="reflect"), weight, bias)


def test_the_generator_is_the_papers() -> None:
    net, x = ResNet(4, blocks=2).double(), images()
    (first, down1, down2, *blocks, up1, up2, last), out = weights(net), x
    out = normed(reflected(out, *first, 3)).relu()
    for weight, bias in (down1, down2):
        out = normed(F.conv2d(out, weight, bias, stride=2, padding=1)).relu()
    for one, other in (blocks[:2], blocks[2:]):
        out = out + normed(reflected(normed(reflected(out, *one, 1)).relu(), *other, 1))
    for weight, bias in (up1, up2):
        out = normed(F.conv_transpose2d(out, weight, bias, stride=2, padding=1, output_padding=1)).relu()
    torch.testing.assert_close(net(x), reflected(out, *last, 3).tanh())


def blurred(features: Tensor) -> Tensor:
    """(1, 2, 1) in both directions, with reflected borders; every second value."""
    padded = F.pad(features, (1, 1, 1, 1), mode="reflect")
    rows = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return ((rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4)[:, :, ::2, ::2]


def doubled(features: Tensor) -> Tensor:
    """(1, 3, 3, 1) between zeros, as CUT's code does, with repeated borders."""
    line = torch.tensor([1, 3, 3, 1], dtype=features.dtype) / 4
    kernel = torch.outer(line, line).expand(features.shape[1], 1, 4, 4)
    padded = F.pad(features, (1, 1, 1, 1), mode="replicate")
    return F.conv_transpose2d(padded, kernel, stride=2, padding=2, groups=features.shape[1])[..., 1:-1, 1:-1]


def test_the_generator_with_blurs_is_cuts() -> None:
    net, x = ResNet(4, blocks=1, antialias=True).double(), images()
    (first, down1, down2, *blocks, up1, up2, last), out = weights(net), x
    seen = [reflected(out, *first, 3)]
    out = normed(seen[0]).relu()
    for weight, bias in (down1, down2):
        seen.append(F.conv2d(out, weight, bias, padding=1))
        out = blurred(normed(seen[-1]).relu())
    out = out + normed(reflected(normed(reflected(out, *blocks[0], 1)).relu(), *blocks[1], 1))
    seen.append(out)
    for weight, bias in (up1, up2):
        out = normed(F.conv2d(doubled(out), weight, bias, padding=1)).relu()
    torch.testing.assert_close(net(x), reflected(out, *last, 3).tanh())
    for feature, expected in zip(net.encode(x, [0, 1, 2, 3, 4]), [x, *seen], strict=True):
        torch.testing.assert_close(feature, expected)


def test_the_discriminator_with_blurs_is_cuts() -> None:
    net, out = PatchGAN(1, 4, 2, antialias=True).double(), images(32, 1)
    (first, second, third, last) = weights(net)
    out = blurred(F.leaky_relu(F.conv2d(out, *first, padding=1), 0.2))
    out = blurred(F.leaky_relu(normed(F.conv2d(out, *second, padding=1)), 0.2))
    out = F.leaky_relu(normed(F.conv2d(out, *third, padding=1)), 0.2)
    torch.testing.assert_close(net(images(32, 1)), F.conv2d(out, *last, padding=1))


@pytest.mark.parametrize("layers", [1, 3])
def test_the_discriminator_is_the_papers(layers: int) -> None:
    net, out = PatchGAN(1, 4, layers).double(), images(32, 1)
    (first, *middle, last), x = weights(net), images(32, 1)
    out = F.leaky_relu(F.conv2d(out, *first, stride=2, padding=1), 0.2)
    for index, (weight, bias) in enumerate(middle, 1):
        out = F.leaky_relu(normed(F.conv2d(out, weight, bias, stride=2 if index < layers else 1, padding=1)), 0.2)
    torch.testing.assert_close(net(x), F.conv2d(out, *last, padding=1))


def test_parameters_are_as_many_as_the_papers() -> None:
    assert sum(p.numel() for p in ResNet().parameters()) == 11_378_179
    assert sum(p.numel() for p in PatchGAN(3).parameters()) == 2_764_737


def test_a_logit_sees_a_square_of_70_pixels() -> None:
    picture = torch.zeros(1, 1, 256, 256, dtype=torch.float64, requires_grad=True)
    net = PatchGAN(1, 2).double()
    net.layers = nn.Sequential(*(layer for layer in net.layers if not isinstance(layer, nn.GroupNorm)))
    net(picture)[0, 0, 15, 15].backward()
    assert picture.grad is not None
    rows = picture.grad[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_kernels_are_drawn_from_a_narrow_normal_distribution() -> None:
    (weight, bias), *_ = weights(ResNet(64, 1))[3:]
    assert 0.0195 < float(weight.detach().std()) < 0.0205
    assert not bias.any()


@pytest.mark.parametrize(
    ("net", "size", "text"),
    [(ResNet(2, 1), 18, "multiples of 4"), (ResNet(2, 1), 4, "at least 8"), (PatchGAN(3, 2), 23, "at least 24")],
)
def test_sides_that_do_not_fit(net: nn.Module, size: int, text: str) -> None:
    with pytest.raises(PartError, match=text):
        net(torch.zeros(1, 3, size, size))


def test_they_are_offered() -> None:
    assert register_generators() == {"resnet": ResNet}
    assert register_discriminators() == {"patchgan": PatchGAN}
