"""The authors' checkpoints give the outputs of the authors' code: layouts as published, weights of the golden runs."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toonlab import ToonlabError, discover, open_weights, save_weights
from toonlab_exchange.originals import Original, read_original

from .conftest import Writer

NETWORKS = {  # method and network of the authors -> file of golden arrays, its input and output
    ("ctss", "G_net_unet"): ("ctss_networks", "x64", "G_net_unet_out"),
    ("ctss", "G_net"): ("ctss_networks", "x64", "G_net_out"),
    ("animegan", "AnimeGAN_G"): ("animegan_networks", "x64", "AnimeGAN_G_out"),
    ("whitebox", "unet_generator"): ("whitebox_networks", "x64_bgr", "unet_generator_out"),
}


def published(variables: Mapping[str, np.ndarray], scope: str = "generator/") -> dict[str, np.ndarray]:
    """A checkpoint as a training saves it: with a critic, a step and the optimizer's moments."""
    first = next(iter(variables))
    slots = {f"{scope}{first}/Adam{suffix}": np.zeros_like(variables[first]) for suffix in ("", "_1")}
    critic = {f"discriminator/{first}": np.ones((1, 1, 3, 2), np.float32)}
    step = {"global_step": np.array(5, np.int64), "beta1_power": np.array(0.5, np.float32)}
    return {**critic, **slots, **step, **{scope + name: array for name, array in variables.items()}}


def network(found: Original, **others: Any) -> nn.Module:
    uses = {"animegan": "animegan", "whitebox": "whitebox_unet", "cartoongan": "cartoongan"}
    options = {"use": uses.get(found.recipe), **found.network, **others}
    made: nn.Module = discover().make("generators", options.pop("use"), **options)
    made.load_state_dict(found.tensors)
    return made.eval()


@pytest.mark.parametrize(("method", "name"), NETWORKS)
def test_a_tensorflow_checkpoint_gives_the_authors_output(
    golden: Any, golden_variables: Any, write_bundle: Writer, tmp_path: Path, method: str, name: str
) -> None:
    file, given, expected = NETWORKS[method, name]
    found = read_original(method, write_bundle(tmp_path / "model-1", published(golden_variables(name))))
    photo, cartoon = (torch.from_numpy(golden(file)[array]).movedim(-1, 1) for array in (given, expected))
    others = {"guided_radius": 0} if method == "whitebox" else {}
    if method == "whitebox":  # toonlab's pictures begin with red
        photo, cartoon = photo.flip(1), cartoon.flip(1)
    with torch.no_grad():
        output = network(found, **others)(photo)
    torch.testing.assert_close(output, cartoon, rtol=0, atol=1e-4 * float(cartoon.abs().max()))


def state_of_code(pytorch_weights: Callable[[nn.Module], nn.Module]) -> dict[str, Tensor]:
    """The state dict of znxlwm's generator: its own names, in its own order."""
    state = pytorch_weights(discover().make("generators", "cartoongan")).state_dict()
    names = [f"down_convs.{i}" for i in (0, 3, 4, 7, 8)]
    names += [f"resnet_blocks.{i}.conv{j}" for i in range(8) for j in (1, 2)]
    names += [f"up_convs.{i}" for i in (0, 1, 4, 5, 8)]
    theirs = [f"module.{name}.{kind}" for name in names for kind in ("weight", "bias")]
    return dict(zip(theirs, state.values(), strict=True))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_of_cartoongan_s_code_gives_its_output(
    golden: Any, pytorch_weights: Any, tmp_path: Path, zipped: bool
) -> None:
    path = tmp_path / "generator_latest.pkl"
    torch.save(state_of_code(pytorch_weights), path, _use_new_zipfile_serialization=zipped)
    found = read_original("cartoongan", path)
    assert found.network == {"width": 64, "blocks": 8, "padding": "zeros", "affine": False}
    arrays = golden("cartoongan_networks_losses")
    with torch.no_grad():
        output = network(found)(torch.from_numpy(arrays["x64_nchw"]))
    torch.testing.assert_close(output, torch.from_numpy(arrays["G_out"]), rtol=0, atol=1e-4)


def test_the_authors_models_of_cartoongan_reflect_and_see_blue_first(tmp_path: Path) -> None:
    """Their conversion to PyTorch names norms `scale` and `shift`."""
    torch.manual_seed(0)
    theirs = discover().make("generators", "cartoongan", width=4, blocks=2, padding="reflect", affine=True).eval()
    layers = dict.fromkeys(name.rpartition(".")[0] for name in theirs.state_dict())
    state: dict[str, Tensor] = {}
    for number, layer in enumerate(layers):
        tensors = [theirs.state_dict()[f"{layer}.{kind}"] for kind in ("weight", "bias")]
        kinds = ("scale", "shift") if tensors[0].ndim == 1 else ("weight", "bias")
        state |= {f"layer{number}.{kind}": tensor for kind, tensor in zip(kinds, tensors, strict=True)}
    torch.save(state, tmp_path / "Hayao_net_G_float.pth")
    found = read_original("cartoongan", tmp_path / "Hayao_net_G_float.pth")
    assert found.network == {"width": 4, "blocks": 2, "padding": "reflect", "affine": True}
    photo = torch.rand(1, 3, 16, 20) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(network(found)(photo), theirs(photo.flip(1)).flip(1), rtol=0, atol=1e-5)


def small_whitebox(golden_variables: Any) -> dict[str, np.ndarray]:
    """White-box's variables, a quarter as wide."""
    found = {}
    for name, array in golden_variables("unet_generator").items():
        inner = [slice(None) if side <= 7 else slice(side // 4) for side in array.shape]
        found[name] = array[tuple(inner)]
    return found


def test_imported_weights_are_a_file_that_every_command_takes(
    golden_variables: Any, write_bundle: Writer, tmp_path: Path
) -> None:
    small = published(small_whitebox(golden_variables), scope="")
    found = read_original("whitebox", write_bundle(tmp_path / "model-1", small))
    save_weights(tmp_path / "w.safetensors", found.tensors, found.recipe, found.overrides)
    weights = open_weights(tmp_path / "w.safetensors")
    assert weights.recipe["generator"]["network"]["width"] == 8
    assert weights.recipe["about"] == "whitebox: the authors' weights, from model-1"
    photo = torch.rand(1, 3, 16, 16)
    assert torch.equal(weights.generator(photo), network(found)(photo))


def test_another_network_is_named(golden_variables: Any, write_bundle: Writer, tmp_path: Path) -> None:
    arrays = published(small_whitebox(golden_variables))
    prefix = write_bundle(tmp_path / "model", arrays)
    with pytest.raises(
        ToonlabError, match=r"has no variable A/conv_blk_1/Conv2d/weights: it holds no generator of ctss"
    ):
        read_original("ctss", prefix)
    del arrays["generator/block_2/conv1/biases"]
    with pytest.raises(ToonlabError, match="has no variable block_2/conv1/biases: it holds no generator of whitebox"):
        read_original("whitebox", write_bundle(tmp_path / "model", arrays))
    with pytest.raises(ToonlabError, match="white: no method whose checkpoints can be imported; did you mean 'white"):
        read_original("white", prefix)


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("sprung"),)


def test_nothing_in_a_pytorch_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("trap.pth").write_bytes(pickle.dumps({"a": Trap()}))
    torch.save({"a": Trap()}, "zipped.pth")
    for name in ("trap.pth", "zipped.pth"):
        with pytest.raises(ToonlabError, match=f"{name}: is no state dict that torch can load"):
            read_original("cartoongan", Path(name))
    assert not Path("sprung").exists()


@pytest.mark.parametrize(
    ("held", "text"),
    [
        ({"a": torch.zeros(2, 2, 3, 3)}, "holds 1 tensors, of 1 convolutions: these are no weights of its generator"),
        ({"a": 5}, "holds dict, expected a state dict of tensors alone"),
        ([torch.zeros(1)], "holds list, expected a state dict of tensors alone"),
    ],
)
def test_other_pytorch_files_are_named(tmp_path: Path, held: Any, text: str) -> None:
    torch.save(held, tmp_path / "other.pth")
    with pytest.raises(ToonlabError, match=text):
        read_original("cartoongan", tmp_path / "other.pth")
    with pytest.raises(ToonlabError, match=r"nowhere\.pth: no such file"):
        read_original("cartoongan", tmp_path / "nowhere.pth")
