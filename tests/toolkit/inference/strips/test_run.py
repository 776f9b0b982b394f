"""Every generator in strips makes the cartoon that it makes of the whole picture, in little memory."""

from __future__ import annotations

import shutil
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import ToonlabError, discover
from toonlab.engine.evaluator import cartoonize
from toonlab.inference.memory import peak_bytes
from toonlab.inference.strips import NeedsWholeError, cartoonize_in_strips
from toonlab.inference.strips.network import Network
from toonlab.inference.strips.run import Plan
from toonlab.ops.levels import to_float, to_levels

CPU = torch.device("cpu")
WHOLE = {"canny", "classic", "dots", "mean_shift", "superpixel"}  # drawn by OpenCV from the whole picture
FILES = {"pictures", "onnx"}  # need files, and are no networks of torch
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "cartoongan": [{"padding": "reflect", "affine": True}],
    "resnet": [{"antialias": True}],
    "unet": [{"depth": 4}, {"depth": 4, "norm": "instance"}],
}


def photo(height: int, width: int) -> Tensor:
    """Smooth areas and noise, `(3, H, W)` in [-1, 1]."""
    random = torch.Generator().manual_seed(height * width)
    smooth = F.interpolate(torch.rand(1, 3, 7, 7, generator=random), size=(height, width), mode="bicubic")[0]
    return (2 * smooth - 1 + 0.2 * torch.randn(3, height, width, generator=random)).clamp(-1, 1)


def made(name: str, **parameters: Any) -> nn.Module:
    """A narrow generator with norms that scale and shift."""
    catalogue = discover()
    if "width" in signature(catalogue.get("generators", name).factory).parameters:
        parameters["width"] = 4
    torch.manual_seed(0)
    generator: nn.Module = catalogue.make("generators", name, **parameters)
    for parameter in generator.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 1, 0.3)
    return generator.eval()


def cases() -> list[tuple[str, dict[str, Any]]]:
    names = sorted(set(discover().names("generators")) - FILES)
    return [(name, given) for name in names for given in VARIANTS.get(name, [{}])]


@pytest.mark.parametrize(("name", "parameters"), cases())
def test_every_generator_in_strips_equals_itself_on_the_whole_picture(name: str, parameters: dict[str, Any]) -> None:
    generator, given = made(name, **parameters), photo(101, 77)
    if name in WHOLE:
        with pytest.raises(NeedsWholeError):
            cartoonize_in_strips(generator, given, 1e9)
        return
    whole, strips = cartoonize(generator, given[None])[0], cartoonize_in_strips(generator, given, 800_000)
    assert whole.std() > 0.01
    assert (strips - whole).abs().max() < 1e-4, "a 78th of a level"


@pytest.mark.parametrize(("height", "width"), [(97, 8), (8, 97), (70, 131)])
def test_odd_sizes_have_no_seams(height: int, width: int) -> None:
    """The strips' borders lie elsewhere for each size; no row differs from the whole picture's by a level."""
    generator, levels = made("ctss_unet"), to_levels(photo(height, width))
    whole = to_levels(cartoonize(generator, to_float(levels[None]))[0]).int()
    difference = (cartoonize_in_strips(generator, levels, 400_000).int() - whole).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean((0, 2)).max() < 0.05  # of each row: rounding of equal values only


@pytest.mark.parametrize("name", ["ctss_unet", "whitebox_unet"])
def test_the_memory_is_bounded(name: str) -> None:
    generator, levels = made(name), to_levels(photo(480, 400))
    allowed = 16_000_000
    peak = peak_bytes(lambda: cartoonize_in_strips(generator, levels, allowed), CPU)
    whole = peak_bytes(lambda: cartoonize(generator, to_float(levels[None])), CPU)
    assert peak < allowed + levels.numel() + 200_000  # besides: the cartoon, and the weights' copies
    assert whole > 1.5 * allowed


def test_maps_that_do_not_fit_lie_in_files_that_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    generator, given = made("cartoongan"), photo(200, 120)
    network = Network(generator, 200, 120, CPU)
    assert Plan(network, 1e9, CPU).disk == 0
    assert Plan(network, 1e6, CPU).disk > 300_000
    few, many = (cartoonize_in_strips(generator, given, memory) for memory in (1e6, 1e9))
    assert (few - many).abs().max() < 1e-5
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    with pytest.raises(
        ToonlabError, match=r"GiB of temporary files don't fit into .*, which has .*; make room, or set"
    ):
        cartoonize_in_strips(generator, given, 1e6)


def test_too_little_memory_for_the_narrowest_strips_is_told_and_the_mode_stays() -> None:
    generator = made("ctss_unet").train()
    with pytest.raises(NeedsWholeError, match="the narrowest strips take"):
        cartoonize_in_strips(generator, photo(64, 64), 1000)
    cartoonize_in_strips(generator, photo(64, 64), 1e6)
    assert generator.training
    assert all(parameter.grad_fn is None for parameter in generator.parameters())
