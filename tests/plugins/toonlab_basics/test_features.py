from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models.vgg import cfgs, make_layers

from toonlab import Batch, Features, PartError, Step
from toonlab_basics import VGG16, VGG19, Content, RandomFeatures

# layer -> its number in torchvision's `features`, and its channels
LAYERS = {
    "conv1_1": (0, 3, 64),
    "conv1_2": (2, 64, 64),
    "conv2_1": (5, 64, 128),
    "conv2_2": (7, 128, 128),
    "conv3_1": (10, 128, 256),
    "conv3_2": (12, 256, 256),
    "conv3_3": (14, 256, 256),
    "conv3_4": (16, 256, 256),
    "conv4_1": (19, 256, 512),
    "conv4_2": (21, 512, 512),
    "conv4_3": (23, 512, 512),
    "conv4_4": (25, 512, 512),
}


@pytest.fixture(scope="module")
def kernels() -> dict[str, list[np.ndarray]]:
    """The weights that the golden arrays were made with: name -> [kernel HWIO, bias]."""
    made = {}
    for index, (name, (_, inputs, outputs)) in enumerate(LAYERS.items()):
        draw = np.random.RandomState(1000 + index)
        kernel = draw.standard_normal((3, 3, inputs, outputs)) * np.sqrt(2 / (9 * inputs))
        bias = 0.1 * draw.standard_normal(outputs)
        made[name] = [kernel.astype(np.float32), bias.astype(np.float32)]
    return made


@pytest.fixture(scope="module")
def files(kernels, tmp_path_factory) -> dict[str, Path]:
    """The same weights in every form that is read."""
    folder = tmp_path_factory.mktemp("vgg")
    np.save(folder / "original.npy", kernels, allow_pickle=True)
    oihw = {
        name: (torch.from_numpy(k).permute(3, 2, 0, 1).contiguous(), torch.from_numpy(b))
        for name, (k, b) in kernels.items()
    }
    torchvision = {}
    for name, (weight, bias) in oihw.items():
        torchvision |= {f"features.{LAYERS[name][0]}.weight": weight, f"features.{LAYERS[name][0]}.bias": bias}
    torch.save(torchvision | {"classifier.0.bias": torch.zeros(3)}, folder / "torchvision.pth")
    by_name = {
        f"{name}.{kind}": t for name, pair in oihw.items() for kind, t in zip(("weight", "bias"), pair, strict=True)
    }
    save_file(by_name, folder / "named.safetensors")
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def x64(golden) -> Callable[[int], Tensor]:
    """Rows and columns 64 to 127 of an image, `(1, 3, 64, 64)`."""
    pixels = golden("inputs")["images_u8"].astype(np.float32) / np.float32(127.5) - 1
    return lambda index: torch.from_numpy(pixels[index : index + 1, 64:128, 64:128]).movedim(-1, 1).contiguous()


def close(actual: Tensor, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    """Within a share of the largest value."""
    torch.testing.assert_close(
        actual, torch.from_numpy(expected), rtol=0, atol=tolerance * float(np.abs(expected).max())
    )


def test_features_match_ctss_from_every_kind_of_file(golden, files, x64):
    expected = golden("vgg_ctss_randomweights")["conv4_4_preact"]
    outputs = {suffix: VGG19(str(path), "caffe")(x64(0)) for suffix, path in files.items()}
    assert set(outputs) == {".npy", ".pth", ".safetensors"}
    close(outputs[".npy"].movedim(1, -1), expected)
    assert torch.equal(outputs[".pth"], outputs[".npy"])
    assert torch.equal(outputs[".safetensors"], outputs[".npy"])


def test_content_loss_and_its_gradient_match_ctss(golden, files, x64):
    """Photos are images 0 and 1, fakes 4 and 5; the gradient is that of the first fake."""
    arrays = golden("vgg_ctss_randomweights")
    photo = torch.cat([x64(0), x64(1)])
    fake = torch.cat([x64(4), x64(5)]).requires_grad_()
    features = Features(VGG19(str(files[".npy"]), "caffe"))
    loss = Content()(Step(Batch(photo, fake), fake, {}, {}, features, torch.Generator()))
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["con_loss_photo_vs_cartoon"]), rtol=1e-5, atol=0)
    close(fake.grad[:1].movedim(1, -1), arrays["dcon_dfake"])


def test_an_early_layer_after_its_relu(golden, files, x64):
    early = VGG19(str(files[".npy"]), "caffe", layer="relu1_1")
    close(early(x64(0)).movedim(1, -1)[:, ::4, ::4], golden("vgg_ctss_randomweights")["conv1_1_postrelu_sub4"])
    assert [name for name, _ in early.layers.named_children()] == ["conv1_1", "relu1_1"]  # computes no more


def test_conventions_say_what_the_first_layer_sees(tmp_path: Path):
    """A first layer that passes its input on, by three of its channels."""
    weight = torch.zeros(64, 3, 3, 3)
    weight[range(3), range(3), 1, 1] = 1
    torch.save({"conv1_1.weight": weight, "conv1_1.bias": torch.zeros(64)}, tmp_path / "w.pt")
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1)
    caffe = VGG19(str(tmp_path / "w.pt"), "caffe", "conv1_1")(red).flatten()[:3]
    torch.testing.assert_close(caffe, torch.tensor([-103.939, -116.779, 255 - 123.68]))
    unit = VGG19(str(tmp_path / "w.pt"), "torchvision", "conv1_1")(red).flatten()[:3]
    torch.testing.assert_close(unit, torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225]))


@pytest.mark.parametrize(
    ("layer", "shape"), [("conv2_2", (128, 4, 3)), ("pool2", (128, 2, 2)), ("relu3_1", (256, 2, 2))]
)
def test_layers_and_odd_sides(layer: str, shape: tuple[int, ...]):
    features = VGG19("random", layer=layer)(torch.rand(1, 3, 7, 5, generator=torch.Generator().manual_seed(0)))
    assert features.shape == (1, *shape)
    assert (features.min() >= 0) == (not layer.startswith("conv"))


def test_several_layers_are_those_of_one_layer_each():
    """Among them a convolution and its ReLU, which must not overwrite it."""
    names = ("relu1_2", "conv1_1", "pool1", "relu1_1")
    images = torch.rand(1, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    outputs = VGG19("random", layer=names)(images)
    for name, output in zip(sorted(names, key=["conv1_1", "relu1_1", "relu1_2", "pool1"].index), outputs, strict=True):
        assert torch.equal(output, VGG19("random", layer=name)(images))
    assert torch.equal(VGG19("random", layer=["pool1"])(images), outputs[-1])


@pytest.mark.parametrize(("ours", "letter"), [(VGG16, "D"), (VGG19, "E")])
def test_features_are_torchvision_s(ours: type[VGG16 | VGG19], letter: str, tmp_path: Path):
    """All layers, from a file with torchvision's names, in its convention; on even sides, where it rounds as we do."""
    theirs = make_layers(cfgs[letter]).requires_grad_(False).eval()
    torch.save({f"features.{name}": value for name, value in theirs.state_dict().items()}, tmp_path / "w.pth")
    names = list(ours("random", layer="pool5").layers._modules)
    assert len(names) == len(theirs)
    for layer in theirs:
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    values = ((images + 1) / 2 - mean) / std
    for layer, output in zip(theirs, ours(str(tmp_path / "w.pth"), layer=names)(images), strict=True):
        values = layer(values)
        torch.testing.assert_close(output, values)


def test_frozen_and_always_in_eval_mode():
    features = VGG19("random", layer="conv1_2").train()
    assert not features.training
    assert not any(module.training for module in features.modules())
    assert not any(parameter.requires_grad for parameter in features.parameters())
    images = torch.rand(1, 3, 4, 4, requires_grad=True)
    features(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert set(features.state_dict()) == {f"layers.conv1_{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")}


def test_runs_in_float64():
    assert (
        VGG19("random", layer="conv1_1").double()(torch.zeros(1, 3, 2, 2, dtype=torch.float64)).dtype == torch.float64
    )


@pytest.mark.parametrize(("layer", "hint"), [("conv4_5", "did you mean 'conv4_4'"), ("fc6", "valid: conv1_1")])
def test_an_unknown_layer(layer: str, hint: str):
    with pytest.raises(PartError, match=f"vgg19: there is no layer '{layer}'; {hint}"):
        VGG19("random", layer=layer)


@settings(max_examples=30)
@given(width=st.integers(1, 5), depth=st.integers(1, 4), height=st.integers(1, 40), side=st.integers(1, 40))
def test_shape(width: int, depth: int, height: int, side: int):
    features = RandomFeatures(width=width, depth=depth)(torch.zeros(2, 3, height, side))
    expected = (2, width * 2 ** (depth - 1), -(-height // 2**depth), -(-side // 2**depth))
    assert features.shape == expected


def test_weights_follow_the_seed_and_nothing_else():
    state = torch.random.get_rng_state()
    first, again, other = RandomFeatures(), RandomFeatures(), RandomFeatures(seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first(images), again(images))
    assert not torch.allclose(first(images), other(images))
    assert torch.equal(RandomFeatures(depth=1).layers[0].weight, first.layers[0].weight)
    pinned = torch.tensor([-0.300464, -0.307542, -0.066874])
    torch.testing.assert_close(first.layers[0].weight.flatten()[:3], pinned, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"seed": 1}, {"seed": 2}, {"depth": 2}, {"width": 16}])
def test_scale(golden, parameters: dict[str, int]):
    images = torch.from_numpy(golden("inputs")["images_u8"][:8, ::2, ::2]).movedim(-1, 1) / 127.5 - 1
    features = RandomFeatures(**parameters)(images)
    assert 0.5 < features.std() < 1.1
    assert 0.5 < (features[:4] - features[4:]).abs().mean() < 1  # unrelated pictures


def test_frozen_but_differentiable():
    features = RandomFeatures(width=2, depth=2).double()
    assert not any(parameter.requires_grad for parameter in features.parameters())
    images = torch.randn(1, 3, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(features, images, fast_mode=True)


def test_needs_three_channels():
    with pytest.raises(PartError, match=r"random: expected \(B, 3, H, W\) float, got \(1, 1, 8, 8\)"):
        RandomFeatures()(torch.zeros(1, 1, 8, 8))
